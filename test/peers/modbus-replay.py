"""A pymodbus server that replays a recording: one row of a CSV file for each read of the block.

Usage: modbus-replay.py PORT CSV        (PORT 0 takes any free one)

Holding registers 0 and 1 hold the row's number from 0 as uint32; then follow the first eight
columns after the time as float32, two registers each, high word first. A read of the whole block
serves the next row, so every row is served exactly once; when none is left, such a read is
answered with exception 4. Any other read sees the row that was served last.

Prints {"ready": true, "port", "rows", "registers"} when it listens, then {"row", "hex"} for each
row that it serves, and ends when its standard input does.
"""

import asyncio
import csv
import json
import struct
import sys

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
from pymodbus.datastore.store import BaseModbusDataBlock
from pymodbus.server.async_io import ModbusTcpServer

COLUMNS = 8


def read_rows(path):
    """The registers of each row, as bytes."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=";"))[1:]
    return [
        struct.pack(f">I{COLUMNS}f", number, *(float(text) for text in row[1 : 1 + COLUMNS]))
        for number, row in enumerate(rows)
    ]


def say(message):
    """Writes one JSON line."""
    print(json.dumps(message), flush=True)


class Replay(BaseModbusDataBlock):
    """A block of registers that moves on when it is read as a whole."""

    def __init__(self, rows):
        self.rows = rows
        self.next = 0
        self.count = len(rows[0]) // 2
        self.current = bytes(len(rows[0]))
        self.address = 0

    def validate(self, address, count=1):
        return 0 <= address and address + count <= self.count

    def getValues(self, address, count=1):
        if address == 0 and count == self.count:
            self.current = self.rows[self.next]  # An IndexError becomes exception 4.
            say({"row": self.next, "hex": self.current.hex()})
            self.next += 1
        words = struct.unpack(f">{self.count}H", self.current)
        return list(words[address : address + count])

    def setValues(self, address, values):
        raise PermissionError("a recording is not written to")


async def main(port, path):
    """Serves until standard input ends."""
    rows = read_rows(path)
    block = Replay(rows)
    context = ModbusServerContext(
        slaves=ModbusSlaveContext(hr=block, zero_mode=True), single=True
    )
    server = ModbusTcpServer(context, address=("127.0.0.1", port))
    serving = asyncio.create_task(server.serve_forever())
    await server.serving
    bound = server.server.sockets[0].getsockname()[1]
    say({"ready": True, "port": bound, "rows": len(rows), "registers": block.count})
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    serving.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
