/** What `--help` prints. */

const EXITS = `Exit codes: 0 done, 1 failed (nothing half done), 2 mistake on the command line.
`;

export const help = {
  overview: `\
bondline-wallet: an organisation's identity, and the devices that it answers for

Usage: bondline-wallet COMMAND [options]

Commands:
  init DIR      make a wallet: key and DID document
  enrol DIR     sign enrolment credentials for devices that a gateway asks for
  publish DIR   write the DID document and the status lists for a web server
  status DIR    list enrolments; revoke, suspend or reinstate them

Every command knows --json (one JSON object on standard output) and --help.
${EXITS}`,

  init: `\
Usage: bondline-wallet init DIR --did DID --name NAME --passphrase-file FILE [--json]

Makes a wallet in DIR: a P-256 key in an encrypted key store, and the DID document did.json.

  --did DID                the organisation's did:web, e.g. did:web:operator.example
  --name NAME              its name for people
  --passphrase-file FILE   the first line is the passphrase of the key store; later commands
                           read the same file unless they name another

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
  --out DIR                where to write (default: here)
  --passphrase-file FILE   instead of the one that init named
  --json                   print {"organisation", "enrolled": [{"label", "device", "id", …}]}

${EXITS}`,

  publish: `\
Usage: bondline-wallet publish DIR --out DIR [options]

Writes did.json, status/revocation.jwt and status/suspension.jwt below --out, the root of a web
server, where did:web and the enrolments expect them. Run it again after every enrol and status.

  --out DIR                root of the web server, or a folder of pinned documents
  --valid-until TIME       after this time the lists say nothing any more (default: no end)
  --passphrase-file FILE   instead of the one that init named
  --json                   print {"organisation", "files"}

${EXITS}`,

  status: `\
Usage: bondline-wallet status DIR [--revoke NAME] [--suspend NAME] [--reinstate NAME] [--json]

Lists the enrolments of the wallet. NAME is a label, a device's DID or an enrolment's id; a label
or DID means all enrolments of it. A change takes effect when it is published.

  --revoke NAME      for good
  --suspend NAME     until it is reinstated
  --reinstate NAME   lift a suspension
  --json             print {"organisation", "members"}

${EXITS}`,
} as const;
