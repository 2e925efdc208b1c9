/** What the command says of itself; apart, so that no command has to be loaded for it. */
export const overview = `bondline-ingest: verifies what gateways send, keeps record and twins

Usage: bondline-ingest COMMAND [arguments] [options]

Commands:
  run CONFIG                     run the ingester until it is stopped (SIGTERM, Ctrl-C)
  check CONFIG                   name every mistake of the configuration, without the network
  trust CONFIG add PATH...       trust organisations, status lists and enrolments
  trust CONFIG list              show whom this ingester trusts
  trust CONFIG remove DID        end the trust in an organisation
  store CONFIG ACTION            encrypt the databases
  backup CONFIG --out DIR        copy journal and twins as of one moment, also while it runs
  restore CONFIG DIR             prove a backup and put it into an empty data directory
  uplink CONFIG ACTION           invite gateways, say who may connect, equip a broker
  submit CONFIG FILE...          hand over what parties signed: custody, tickets, bonds
  import CONFIG FILE...          take evidence files that were carried from a gateway
  doubts CONFIG                  list what waits for an officer: doubtful batches, quarantines
  accept CONFIG POSITION...      decide as an officer: accept batches, end a quarantine
  custody CONFIG EFFECT POSITION decide as an officer: let a custody step count, or void it
  verify FILE...                 judge credentials and batches offline
  disclose FILE --out FILE       show some readings of a batch, and hide the others
  rebuild CONFIG [--check]       fold the journal into twins anew, or prove them equal
  checkpoint CONFIG --out FILE   write what others keep, to tell a rewritten journal by
  audit PLACE FILE...            hold a journal against what others kept, offline
  twin CONFIG [ID]               show the twins, or one of them

Options of every command:
  --json  print JSON for programs
  --help  print how a command is used

Exit codes: 0 all well, 1 it failed, 2 the command line has a mistake. verify and rebuild say more
in their own help.
`;
