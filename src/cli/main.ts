#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { runCommand } from './program.ts'

// What an entry imports is compiled once, and not at every command.
enableCompileCache()
await runCommand(process.argv.slice(2))
