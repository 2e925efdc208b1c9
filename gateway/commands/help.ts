/** What the command says of itself. The reference page of commands is made of these texts. */

export const overview = `bondline-gateway: reads devices, signs what they say, keeps and forwards it

Usage: bondline-gateway COMMAND CONFIG [options]

Commands:
  run CONFIG            run the gateway until it is stopped (SIGTERM, Ctrl-C)
  check CONFIG          name every mistake of the configuration, without the network
  read CONFIG           read every point and print it, live with --watch; nothing is signed or kept
  lint CONFIG           read real values and name wrong orders, scales, units, addresses
  keygen CONFIG         make the keys that are missing and print their DIDs
  enrol-request CONFIG  write one signed enrolment request for each device
  join CONFIG FILE      take the invitation of an ingester and pin who it is
  outbox CONFIG ACTION  look at what waits for its receipt, export, settle or repair it
  carry CONFIG FILE...  take papers of parties (custody, tickets) along to the ingester
  store CONFIG ACTION   encrypt the outbox, or copy it
  witness CONFIG ACTION  see which record of the ingester is kept, and accept that it begins anew
  opcua-trust CONFIG ACTION  see and change which OPC UA servers are trusted
  discover URL          browse an OPC UA server and write a configuration of it

Options of every command:
  --json  print JSON for programs
  --help  print how a command is used

Exit codes: 0 all well, 1 it failed, 2 the command line has a mistake.
`;

const run = `Usage: bondline-gateway run CONFIG [--json] [--attached] [--drain SECONDS]

Runs the gateway. Logs go to standard error. On SIGTERM or Ctrl-C it stops asking devices, signs
what is there, forwards until the outbox is empty or the drain is over, and exits with 0.

On SIGHUP, or when the file has changed, it changes to the new configuration: devices that are the
same keep their connections and lose nothing. A file with mistakes changes nothing, and a change of
gateway, keys, outbox or uplink.ingester needs a restart; the log says so.

  --json           print one JSON object a second to standard output, the first {"ready": true, …}
  --attached       stop when standard input ends
  --drain SECONDS  forward at most this long after the stop (default 3)

The JSON counts readings, except for batches: sampled, signed, suppressed (not signed, because the
point reports by exception and they said nothing new), batches, waiting (in the outbox),
held (waiting, because the ingester holds the device), delivered, refused, dropped (outbox full),
damaged (batches), gaveWay (outbox full, see outbox.whenFull), lossesSigned.
newestMs is the time of the newest value, 0 before the first.
`;

const check = `Usage: bondline-gateway check CONFIG [--json]

Prints every mistake of the configuration as FILE:LINE:COLUMN with what to write instead. Never
touches the network. Exit code 1 when there are mistakes.
`;

const read = `Usage: bondline-gateway read CONFIG [--wait SECONDS | --watch] [--json]

Connects to every device, reads every configured point once and prints point, raw words, value,
unit, quality and source time. Nothing is signed or kept, and no key is needed.

  --wait SECONDS  how long to wait for the first value of every point (default 5)
  --watch         go on until Ctrl-C: in place on a terminal, else one line for each change;
                  with --json one object for each change

Exit code 1 when a point did not come.
`;

const lint = `Usage: bondline-gateway lint CONFIG [--wait SECONDS] [--json]

Reads every point a few times and says what looks like a wrong byte or word order, type, scale,
unit, address or register width, with the line to write instead. Of what looks wrong it also reads
the registers beside. Never writes; nothing is signed or kept, and no key is needed.

  --wait SECONDS  how long to read one device (default 10)

Exit code 1 when something looks wrong, or a point did not come.
`;

const keygen = `Usage: bondline-gateway keygen CONFIG [--json]

Makes the keys that are missing in the key store, "gateway" and one for each device, and prints
all DIDs. Keys that are there stay as they are. Where the keys live stands under "keys":

  store: file      an encrypted file: path, and passphrase
  store: pkcs11    a TPM, HSM or token, which makes the key and never hands it out: module (the
                   library), token (its label), pin

Passphrase and pin come from {file: PATH}, {credential: NAME} (LoadCredential= of systemd) or
{terminal: true}, which asks without echo at each start.

Example:
  bondline-gateway keygen gateway.yaml
`;

const enrolRequest = `Usage: bondline-gateway enrol-request CONFIG --out DIR [--json]
       bondline-gateway enrol-request CONFIG --rotate DEVICE [--lost] --out DIR [--json]

Writes DIR/DEVICE.jwt for each device: a request, signed by the gateway's and the device's key,
that bondline-wallet enrol turns into an enrolment credential.

With --rotate, makes a new key for one device and asks for it in place of the one in use, which
signs the request too. A running gateway goes over to the new key when the new enrolment is at
hand, and loses nothing.

  --rotate DEVICE  replace the key of this device
  --lost           the old key is lost or others have it; the organisation revokes it

Examples:
  bondline-gateway enrol-request gateway.yaml --out requests
  bondline-gateway enrol-request gateway.yaml --rotate meter-1 --out requests

Then take the files to the organisation's wallet: bondline-wallet enrol, or rotate.
`;

const join = `Usage: bondline-gateway join CONFIG INVITATION [--confirm] [--json]

Puts the invitation of an ingester (bondline-ingest uplink CONFIG invite) where uplink.invitation
of the configuration expects it. From then on only receipts of that key and certificates of that
authority count. Prints both: compare them with what the ingester's people read to you.

  --confirm  replace another invitation; ask the ingester's people over another channel first

Example, with "uplink: { invitation: ingester.json, sink: mqtt }" in gateway.yaml:
  bondline-gateway join gateway.yaml border.invitation.json
`;

const outbox = `Usage: bondline-gateway outbox CONFIG list|verify [--json]
       bondline-gateway outbox CONFIG export --out FILE [--device NAME] [--since TIME]
                              [--until TIME] [--json]
       bondline-gateway outbox CONFIG settle RECEIPTS [--json]
       bondline-gateway outbox CONFIG repair [--json]

Batches that wait for their receipt. All but repair work also while the gateway runs; list, verify
and export change nothing.

  list      batches, readings, bytes and age for each device
  verify    check every batch: hash, signature, and its columns against what was signed; exit code 1
            when one is damaged
  export    write an evidence file for an inspector on site, with the enrolments of the devices:
            bondline-ingest verify FILE judges it offline, bondline-ingest import takes it. What is
            damaged is in no file, and exit code 1. Beyond 10,000 credentials or 64 MiB there is a
            FILE-2, and so on.
  settle    let batches go by the receipts that import wrote; only those of the pinned ingester for
            this gateway count
  repair    while the gateway is stopped: damaged batches become losses that the next start signs. A
            malformed database is salvaged: what proves itself is carried into a new one, and the
            old one is kept beside it

  --out FILE     where export writes
  --device NAME  only what this device signed; its name or its DID
  --since TIME   only batches closed from then on, e.g. 2026-11-21T12:00:00Z; --until likewise

Examples:
  bondline-gateway outbox gateway.yaml export --out neche.evidence.json
  bondline-gateway outbox gateway.yaml settle neche.receipts.json
`;

const carry = `Usage: bondline-gateway carry CONFIG FILE... [--json]

Takes credentials of parties along to the ingester: a custody step, a delivery ticket, a certificate
or a bond, signed by its party as bondline-wallet sign writes it. For a site from which there is no
other way. They go before all other data, byte for byte, and stay until the ingester has signed
for them. Whether their signers may say so is judged there.

Works beside a running gateway and without one. When it ends with 0, every file is durable in the
outbox; a FILE that is no such credential, or is larger than 256 KiB, leaves all of them out. To
see what waits: bondline-gateway outbox CONFIG list

Example:
  bondline-gateway carry gateway.yaml release.jwt ticket.json
`;

const store = `Usage: bondline-gateway store CONFIG keygen
       bondline-gateway store CONFIG encrypt|decrypt
       bondline-gateway store CONFIG backup --out DIR

Encryption of the databases at rest; "encryption" of the configuration names the key.

  keygen   make a random key and seal it, with the passphrase of the key store, in the file that
           encryption.key.file names. Keep a copy: without it nobody can read the databases.
  encrypt  encrypt what is there with that key, in place; the gateway must not run
  decrypt  make it plain again
  backup   copy the databases to DIR as of one moment, also while it runs; copies of encrypted ones
           are encrypted with the same key

Example:
  bondline-gateway store gateway.yaml backup --out /backup/today
`;

const witness = `Usage: bondline-gateway witness CONFIG show|accept [--json]

The ingester signs checkpoints of its journal: how many entries, and the root of their hash tree. A
gateway keeps the newest one that is proven to continue the one before, signs that it did, and keeps
the evidence where one contradicts what was signed before, or three in a row are not proven to
continue it. Both work also while the gateway runs.

  show    the checkpoint that is kept, and the file to copy for an inspector. Exit code 1 where
          there is such evidence, or the file is damaged.
  accept  let the record of the ingester begin anew, where its people restored a backup and say so.
          What was kept, and the evidence, move into a folder of their own; nothing is deleted.

Examples:
  bondline-gateway witness gateway.yaml show
  bondline-gateway witness gateway.yaml accept
`;

const opcuaTrust = `Usage: bondline-gateway opcua-trust CONFIG list [--json]
       bondline-gateway opcua-trust CONFIG add FINGERPRINT|FILE [--issuer] [--json]
       bondline-gateway opcua-trust CONFIG remove FINGERPRINT [--json]

Shows and changes which OPC UA servers are trusted. A running gateway heeds it at its next attempt
to connect. The data directory itself may stand in place of CONFIG.

  list         our own certificate, those that are trusted and those that were refused: fingerprint
               (SHA-256), subject, issuer, expiry, since when, and why one was refused
  add          trust a refused certificate by the first digits of its fingerprint (8 or more), or a
               certificate or authority from a FILE; a FILE with a revocation list is kept as such
  remove       trust it no longer; it stays among the refused. A refused one is forgotten.
  --issuer     with add: let it complete chains, but trust nothing because of it

Compare the fingerprint with the one that the server itself shows before you trust it.
`;

const discover = `Usage: bondline-gateway discover opc.tcp://HOST:PORT [options]

Browses an OPC UA server and writes a configuration of it: one device with a profile of its own,
whose points have names, types, units (from EUInformation) and ranges (from EURange). Reads only.

  --out FILE            write there instead of standard output; a file that is there stays
  --root PATH           browse path below Objects to begin at (default: all but the server's own)
  --data DIR            data directory with keys and trusted certificates (default: data)
  --mode MODE           SignAndEncrypt (default), Sign, or None, which needs --insecure
  --policy POLICY       default Basic256Sha256; or Aes256_Sha256_RsaPss, Aes128_Sha256_RsaOaep
  --user NAME           log in with this name, and the password in
  --password-file FILE  the first line of this file
  --user-cert FILE      or log in with this X.509 certificate, and
  --user-key FILE       its private key
  --insecure            with --mode None: neither signed nor encrypted, and no server is known
  --depth N             how far down to browse (default 8)
  --nodes N             how many nodes to look at (default 5000)
  --time SECONDS        how long to browse (default 60)
  --organisation DID, --facility URI, --ingester DID, --uplink URL, --goods KIND
                        what no server can tell; without them the file says where to fill it in
  --json                print what was found as JSON, and no configuration

An untrusted server is refused, and its certificate kept in DIR/pki. The message says the command
that trusts it.
`;

/** What every command says at its end, unless its exit codes say more. */
const exits = `
Exit codes: 0 all well, 1 it failed, 2 the command line has a mistake.
`;

export const helpOf: Readonly<Record<string, string>> = {
  run: run + exits,
  check,
  read,
  lint,
  keygen: keygen + exits,
  'enrol-request': enrolRequest + exits,
  join: join + exits,
  outbox: outbox + exits,
  carry: carry + exits,
  store: store + exits,
  witness: witness + exits,
  'opcua-trust': opcuaTrust + exits,
  discover: discover + exits,
};
