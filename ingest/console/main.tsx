/** Starts the console. */
import { render } from 'preact';
import { App } from './app.tsx';
import { start } from './live.ts';
import { followHash } from './route.ts';

const root = document.getElementById('app');
if (root !== null) {
  followHash();
  render(<App />, root);
  void start();
}
