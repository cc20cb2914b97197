import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { chown, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system of its own that can be filled up. */
export interface Disk {
  folder: string
  /** Until not a byte is left. */
  fill(): void
  free(): Promise<void>
  unmount(): Promise<void>
}

/**
 * Mounts one of so many megabytes, in memory, that belongs to the owner of a folder. Answers why where that is not
 * allowed: it takes root, and a machine or container that lets root mount.
 */
export async function mountDisk(megabytes: number, sameOwnerAs: string): Promise<Disk | { refused: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', folder])
  if (mounted.status !== 0) {
    await rm(folder, { recursive: true })
    return { refused: mounted.error?.message ?? String(mounted.stderr).trim() }
  }
  const unmount = () => {
    // Lazily: a server that is being killed may still have its files open.
    spawnSync('umount', ['--lazy', folder])
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', unmount)
  const { uid, gid } = await stat(sameOwnerAs)
  await chown(folder, uid, gid)
  const ballast = join(folder, 'ballast')
  return {
    folder,
    fill() {
      const file = openSync(ballast, 'a')
      for (const size of [1_048_576, 4_096]) writeUntilFull(file, Buffer.alloc(size))
      closeSync(file)
    },
    free: () => rm(ballast, { force: true }),
    async unmount() {
      process.off('exit', unmount)
      unmount()
    },
  }
}

function writeUntilFull(file: number, chunk: Buffer): void {
  try {
    // The last one may be written in part.
    while (writeSync(file, chunk) === chunk.length);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}
