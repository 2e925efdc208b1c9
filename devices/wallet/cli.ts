/** The `bondline-wallet` command: hands the command line and the outside world to the wallet. */

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  // Said before anything else is loaded, since the rest does not even load there.
  process.stderr.write(
    `bondline-wallet needs Node 22.13 or newer; this is ${process.versions.node}. ` +
      'Install a newer Node, or run it through npm: npx bondline-wallet\n',
  );
  process.exitCode = 1;
} else {
  const [{ runWallet }, { systemClock, systemRandom }] = await Promise.all([
    import('./commands.ts'),
    import('../runtime.ts'),
  ]);
  process.exitCode = await runWallet(
    process.argv.slice(2),
    {
      out: (text) => process.stdout.write(text),
      err: (text) => process.stderr.write(text),
    },
    { clock: systemClock, random: systemRandom },
  );
}

export {};
