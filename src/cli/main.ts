#!/usr/bin/env node
import module from 'node:module'
import { runCommand } from './program.ts'

// What an entry imports is compiled once, and not at every command; from Node 22.1 on.
module.enableCompileCache?.()
await runCommand(process.argv.slice(2))
