/** How many files a process may have open on this machine. */
import { execFileSync } from 'node:child_process';

/** What a process may have open when it asks for the most. */
export const mostOpenFiles = (): number => {
  try {
    const told = execFileSync('sh', ['-c', 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; ulimit -n'], { encoding: 'utf8' });
    return told.trim() === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(told);
  } catch {
    return 1024;
  }
};
