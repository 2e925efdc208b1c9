/** What `--help` prints. */

const EXITS = `Exit codes: 0 done, 1 failed (nothing half done), 2 mistake on the command line.
`;

export const help = {
  overview: `\
bondline-wallet: an organisation's identity, and the devices that it answers for

Usage: bondline-wallet COMMAND [options]

Commands:
  init DIR            make a wallet: key and identity (DID)
  enrol DIR           sign enrolments for devices that a gateway asks for
  rotate DIR          replace the key of a device, or your own
  suspend DIR NAME…   say that a device's word does not count for now
  reinstate DIR NAME… take a suspension back
  revoke DIR NAME…    say that a device's word counts no more, for good
  sign KIND FILE…     sign custody steps, tickets, certificates, movements, bonds
  publish DIR         write the DID document and the status lists for a web server
  status DIR          list enrolments

Every command knows --json (one JSON object on standard output) and --help.
${EXITS}`,

  init: `\
Usage: bondline-wallet init DIR --did DID --name NAME --passphrase-file FILE [--json]
       bondline-wallet init DIR --did-method key|jwk --name NAME --passphrase-file FILE
                            [--status-url URL]

Makes a wallet in DIR: a P-256 key in an encrypted key store, and the identity that it signs for.
A did:web is the name of your web server, and outlives its keys. An organisation without a web
server of its own signs with a did:key or did:jwk, which is its key and cannot be replaced; to
enrol devices it says where its status lists will stand, which any web server may show.

  --did DID                your did:web: did:web:operator.example for https://operator.example
  --did-method METHOD      web (default), key or jwk
  --status-url URL         of a did:key or did:jwk: the https address of the folder of its status
                           lists; may also be said with the first enrol or publish
  --name NAME              the organisation's name for people
  --passphrase-file FILE   the first line is the passphrase of the key store; later commands
                           read the same file unless they name another
  --module FILE            PKCS#11 library of an HSM, TPM or token that makes and keeps the key;
  --token LABEL            which token of it; its PIN is the first line of --passphrase-file
  --service URL            your Traceability API, shown in the DID document

Examples:
  bondline-wallet init wallet --did did:web:you.example --name "Your company" \
    --passphrase-file passphrase
  bondline-wallet init wallet --did-method jwk --status-url https://files.example/you \
    --name "Your company" --passphrase-file passphrase

${EXITS}`,

  enrol: `\
Usage: bondline-wallet enrol DIR --request FILE... --facility FILE --goods PREFIX... [options]

Checks signed requests (bondline-gateway enrol-request), gives each an entry in the status lists,
and writes one signed enrolment credential for each: LABEL.jwt, for the gateway and the ingester.

  --request FILE...        requests; nothing is signed unless all are in order
  --facility FILE          JSON or YAML: id, name, latitude, longitude; where known unlocode,
                           portCode, accuracyM, line {route, distanceM, innerDiameterM}
  --goods PREFIX...        URI prefixes of the goods that the devices may report on
  --owner DID=NAME         who owns such goods unless a party credential says otherwise
  --possessor DID=NAME     who holds them
  --bond-liable DID=NAME   who answers for them to customs
  --valid-until TIME       end of the enrolment, e.g. 2027-01-31T00:00:00Z (default: none)
  --lost                   a request may replace a key that is lost; that key is revoked at once
  --out DIR                where to write (default: here)
  --publish DIR            publish below DIR in the same breath (see publish)
  --status-url URL         where the status lists of a did:key or did:jwk will stand (see init)
  --passphrase-file FILE   instead of the one that init named
  --json                   print {"organisation", "enrolled": [{"label", "device", "id", …}]}

Example:
  bondline-wallet enrol wallet --request requests/*.jwt --facility facility.json \
    --goods did:web:you.example/batch/ --out enrolments

${EXITS}`,

  publish: `\
Usage: bondline-wallet publish DIR --out DIR [options]

Writes did.json, status/revocation.jwt and status/suspension.jwt below --out, the root of a web
server, where did:web and the enrolments expect them; the lists of a did:key or did:jwk stand where
--status-url says. Run it again after every enrol, rotate, suspend, reinstate and revoke.

  --out DIR                root of the web server, or a folder of pinned documents
  --valid-until TIME       after this time the lists say nothing any more (default: no end)
  --form FORM              how lists are signed: jwt (default), or both: also with a proof inside
                           (Data Integrity), as .json; such lists, once there, stay up to date
  --status-url URL         where the status lists of a did:key or did:jwk will stand (see init)
  --passphrase-file FILE   instead of the one that init named
  --json                   print {"organisation", "files"}

Example:
  bondline-wallet publish wallet --out /srv/www/you.example

${EXITS}`,

  rotate: `\
Usage: bondline-wallet rotate DIR --request FILE... [--lost] [--out DIR] [--json]
       bondline-wallet rotate DIR --organisation [--compromised | --expires TIME] [--out DIR]

Replaces keys. A device's: bondline-gateway enrol-request --rotate makes the new key and a request
that the old one signs; place, goods and parties go on as they were. Your own: every device that is
not revoked or suspended is enrolled anew under the new key. Publish afterwards.

  --request FILE...        requests for new keys of devices
  --lost                   a request may say that the old key is lost; it is revoked at once
  --organisation           replace your own key
  --compromised            others may have the old one: it is revoked now
  --expires TIME           what the old one signed holds until then (default: 30 days)
  --out DIR                where enrolments are written (default: here)
  --passphrase-file FILE   instead of the one that init named

Examples:
  bondline-wallet rotate wallet --request requests/meter-1.jwt --out enrolments
  bondline-wallet rotate wallet --organisation --compromised --out enrolments

${EXITS}`,

  suspend: `\
Usage: bondline-wallet suspend DIR NAME... [--out DIR] [--json]

Says that the word of devices does not count for now. NAME is a label, a device's DID or an
enrolment's id; a label or DID means all enrolments of it. It counts once it is published.

  --out DIR   publish at once, below this root of a web server

Example:
  bondline-wallet suspend wallet meter-1 --out /srv/www/you.example

${EXITS}`,

  reinstate: `\
Usage: bondline-wallet reinstate DIR NAME... [--out DIR] [--json]

Takes suspensions back. NAME is a label, a device's DID or an enrolment's id.

  --out DIR   publish at once, below this root of a web server

Example:
  bondline-wallet reinstate wallet meter-1 --out /srv/www/you.example

${EXITS}`,

  revoke: `\
Usage: bondline-wallet revoke DIR NAME... [--out DIR] [--json]

Says that the word of devices counts no more, for good. NAME is a label, a device's DID or an
enrolment's id; a label or DID means all enrolments of it. It counts once it is published.

  --out DIR   publish at once, below this root of a web server

Example:
  bondline-wallet revoke wallet meter-1 --out /srv/www/you.example

${EXITS}`,

  status: `\
Usage: bondline-wallet status DIR [--json]

Lists the enrolments of the wallet: status, label, device and id of the credential; and, after a
rotation, which key replaced which. --json has "replacedBy" (the new key), "supersedes" (the old
one), "reissuedAs" (the enrolment that your new key signed), and your own "keys", oldest first.

${EXITS}`,
} as const;
