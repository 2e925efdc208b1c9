/** Asks a person for a secret at a terminal, which shows nothing of what is typed. */
import { EdgeError } from '../errors.ts';
import { limits } from '../limits.ts';

/** What is needed of `process.stdin` on a terminal. */
export interface TerminalInput extends NodeJS.EventEmitter {
  setRawMode(isRaw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const BACKSPACES = ['\u0008', '\u007f'];

/**
 * A function that writes a prompt, and resolves with the line that is typed. Nothing of it is
 * shown; the terminal is as it was afterwards.
 *
 * @throws EdgeError KEY_PASSPHRASE_UNREADABLE on Ctrl-C, Ctrl-D, or when the terminal ends
 */
export function askSecretAt(
  input: TerminalInput,
  output: { write(text: string): unknown },
): (prompt: string) => Promise<string> {
  return (prompt) =>
    new Promise((resolve, reject) => {
      let typed: string[] = [];
      const end = () => {
        input.off('data', onData).off('end', giveUp);
        input.setRawMode(false);
        input.pause();
        output.write('\n');
      };
      const giveUp = () => {
        end();
        reject(new EdgeError('KEY_PASSPHRASE_UNREADABLE', 'nothing was typed'));
      };
      const onData = (chunk: Uint8Array) => {
        for (const character of Buffer.from(chunk).toString('utf8')) {
          if (character === '\r' || character === '\n') {
            end();
            resolve(typed.join(''));
            return;
          }
          if (character === CTRL_C || character === CTRL_D) return giveUp();
          if (BACKSPACES.includes(character)) typed = typed.slice(0, -1);
          else if (typed.length < limits.secretCharactersMax) typed.push(character);
        }
      };
      input.setRawMode(true);
      output.write(prompt);
      input.on('data', onData).on('end', giveUp);
      input.resume();
    });
}
