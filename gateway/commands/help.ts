/** What the command says of itself. The reference page of commands is made of these texts. */

export const overview = `bondline-gateway: reads devices, signs what they say, keeps and forwards it

Usage: bondline-gateway COMMAND CONFIG [options]

Commands:
  run CONFIG            run the gateway until it is stopped (SIGTERM, Ctrl-C)
  check CONFIG          name every mistake of the configuration, without the network
  read CONFIG           read every point once and print it; nothing is signed or kept
  keygen CONFIG         make the keys that are missing and print their DIDs
  enrol-request CONFIG  write one signed enrolment request for each device
  outbox CONFIG ACTION  look at the batches that wait for their receipt

Options of every command:
  --json  print JSON for programs
  --help  print how a command is used

Exit codes: 0 all well, 1 it failed, 2 the command line has a mistake.
`;

const run = `Usage: bondline-gateway run CONFIG [--json] [--attached] [--drain SECONDS]

Runs the gateway. Logs go to standard error. On SIGTERM or Ctrl-C it stops asking devices, signs
what is there, forwards until the outbox is empty or the drain is over, and exits with 0.

  --json           print one JSON object a second to standard output, the first {"ready": true, …}
  --attached       stop when standard input ends
  --drain SECONDS  forward at most this long after the stop (default 3)

The JSON counts readings, except for batches: sampled, signed, batches, waiting (in the outbox),
held (waiting, because the ingester holds the device), delivered, refused, dropped (outbox full),
damaged (batches), lossesSigned. newestMs is the time of the newest value, 0 before the first.
`;

const check = `Usage: bondline-gateway check CONFIG [--json]

Prints every mistake of the configuration as FILE:LINE:COLUMN with what to write instead. Never
touches the network. Exit code 1 when there are mistakes.
`;

const read = `Usage: bondline-gateway read CONFIG [--wait SECONDS] [--json]

Connects to every device, reads every configured point once and prints point, raw words, value,
unit, quality and source time. Nothing is signed or kept, and no key is needed.

  --wait SECONDS  how long to wait for the first value of every point (default 5)

Exit code 1 when a point did not come.
`;

const keygen = `Usage: bondline-gateway keygen CONFIG [--json]

Makes the keys that are missing in the key store, "gateway" and one for each device, and prints
all DIDs. Keys that are there stay as they are.
`;

const enrolRequest = `Usage: bondline-gateway enrol-request CONFIG --out DIR [--json]

Writes DIR/DEVICE.jwt for each device: a request, signed by the gateway's and the device's key,
that bondline-wallet enrol turns into an enrolment credential.
`;

const outbox = `Usage: bondline-gateway outbox CONFIG list|verify|export [--out DIR] [--json]

Looks at the batches that wait for their receipt; changes nothing, also while the gateway runs.

  list       batches, readings, bytes and age for each device
  verify     check hash and signature of every batch; exit code 1 when one is damaged
  export     write every batch to DIR as ID.jwt, for bondline-ingest verify
  --out DIR  where export writes
`;

export const helpOf: Readonly<Record<string, string>> = {
  run,
  check,
  read,
  keygen,
  'enrol-request': enrolRequest,
  outbox,
};
