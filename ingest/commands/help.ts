/** What each command says of itself. The reference page of commands is made of these texts. */
import { acceptHelp } from './accept.ts';
import { auditHelp } from './audit.ts';
import { backupHelp } from './backup.ts';
import { checkpointHelp } from './checkpoint.ts';
import { custodyHelp } from './custody.ts';
import { discloseHelp } from './disclose.ts';
import { doubtsHelp } from './doubts.ts';
import { importHelp } from './import.ts';
import { restoreHelp } from './restore.ts';
import { submitHelp } from './submit.ts';
import { verifyHelp } from './verify.ts';

const run = `Usage: bondline-ingest run CONFIG [--ports any] [--json] [--attached]

Runs the ingester: broker, admission, journal, twins, console. Logs go to standard error. The first
start makes the key that signs receipts; the file with its passphrase must be there. On SIGTERM or
Ctrl-C it takes nothing more, stores what it took, and exits with 0.

  --ports any  where a port is taken, say so and take another
  --json       print one JSON object to standard output once it is ready:
               {"ready": true, "http", "mqtt", "ingester", "data"}
  --attached   stop when standard input ends
`;

const check = `Usage: bondline-ingest check CONFIG [--json]

Prints every mistake of the configuration as FILE:LINE:COLUMN with what to write instead. Never
touches the network. Exit code 1 when there are mistakes.
`;

const trust = `\
Usage: bondline-ingest trust CONFIG add PATH|DID... [--name NAME] [--confirm] [--json]
       bondline-ingest trust CONFIG list [--from POSITION] [--json]
       bondline-ingest trust CONFIG remove DID [--json]

Changes whom the ingester trusts; each change becomes an entry of the journal and counts at once.
It goes to the ingester that runs on the data directory, or, when none runs, into the journal.

PATH is a DID document (did.json), a status list (.jwt, or .json with a proof inside) or an
enrolment (.jwt), or a folder of them, in any order: organisations are taken first.

In place of a PATH an organisation's DID (did:web:mill.example) has its document fetched over HTTPS
as "resolve" in the configuration allows. The DID of a party without a web server (did:key:… or
did:jwk:…) is its key, and nothing is fetched.

  --name     what you call the organisation whose DID you add; the list shows it
  --confirm  take the document of an organisation that differs from the pinned one; ask the
             organisation over another channel first
  --from     show enrolments from this position of the journal on; each page names the next

Examples:
  bondline-ingest trust ingest.yaml add published
  bondline-ingest trust ingest.yaml add did:web:mill.example
  bondline-ingest trust ingest.yaml remove did:web:mill.example

Exit code 1 when something was not taken.
`;

const store = `Usage: bondline-ingest store CONFIG keygen
       bondline-ingest store CONFIG encrypt|decrypt

Encryption of the databases at rest; "encryption" of the configuration names the key.

  keygen   make a random key and seal it, with the passphrase of the key store, in the file that
           encryption.key.file names. Keep a copy: without it nobody can read the databases.
  encrypt  encrypt what is there with that key, in place; the ingester must not run
  decrypt  make it plain again

Example:
  bondline-ingest store ingest.yaml encrypt
`;

const uplink = `Usage: bondline-ingest uplink CONFIG invite [--out FILE] [--json]
       bondline-ingest uplink CONFIG allow DID...
       bondline-ingest uplink CONFIG disallow DID...
       bondline-ingest uplink CONFIG list [--json]
       bondline-ingest uplink CONFIG broker NAME... --out DIR [--days N]

  invite    write the file that a gateway joins with: addresses, the key of receipts, the authority
            of certificates. It holds no secret; whoever gets it compares what both commands print.
  allow     let a gateway connect that no enrolment names yet; disallow takes that back. A gateway
            that an enrolment in force names needs neither.
  list      the gateways that were allowed by hand
  broker    write authority.pem, broker.pem and broker.key for a Mosquitto that answers to NAME

  --days N  lifetime of the broker's certificate (default 90)

Examples:
  bondline-ingest uplink ingest.yaml invite --out border.invitation.json
  bondline-ingest uplink ingest.yaml broker broker.example --out /etc/mosquitto/bondline
`;

const rebuild = `Usage: bondline-ingest rebuild CONFIG [--check] [--json]

Folds the whole journal into twins. With --check the twins that are kept are compared with it and
left alone, also while the ingester runs; without, they are replaced, while no ingester runs.

Exit code 0 when the twins follow from the journal (or were replaced), 1 when they do not.
`;

const twin = `Usage: bondline-ingest twin CONFIG [ID] [--json]

Shows all twins, one a line, or the twin with this id, URI or label with its attributes.
Exit code 1 when there is no such twin.
`;

/** What a command says at its end, unless its exit codes say more. */
const exits = `
Exit codes: 0 all well, 1 it failed, 2 the command line has a mistake.
`;

export const helpOf: Readonly<Record<string, string>> = {
  run: run + exits,
  check,
  trust,
  store: store + exits,
  backup: backupHelp + exits,
  restore: restoreHelp + exits,
  uplink: uplink + exits,
  submit: submitHelp,
  import: importHelp,
  doubts: doubtsHelp + exits,
  accept: acceptHelp,
  custody: custodyHelp + exits,
  verify: verifyHelp,
  disclose: discloseHelp,
  rebuild,
  checkpoint: checkpointHelp + exits,
  audit: auditHelp,
  twin,
};
