"""A pymodbus server for two units, on any transport that pymodbus has.

Usage: modbus-serve.py tcp|rtu-over-tcp PORT
       modbus-serve.py tls PORT CERTIFICATE KEY CA
       modbus-serve.py rtu PATH

Holding register n of unit u holds u * 1000 + n, input register n holds n; coils and discrete
inputs are set where n is odd. Addresses are 0 to 199. Prints {"ready": true, "port"} when it
listens, and ends when its standard input does.
"""

import asyncio
import json
import ssl
import sys

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
from pymodbus.datastore.store import ModbusSequentialDataBlock
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer, ModbusTlsServer

COUNT = 200


def unit(number):
    """The tables of one unit."""
    return ModbusSlaveContext(
        hr=ModbusSequentialDataBlock(0, [number * 1000 + n for n in range(COUNT)]),
        ir=ModbusSequentialDataBlock(0, list(range(COUNT))),
        co=ModbusSequentialDataBlock(0, [n % 2 for n in range(COUNT)]),
        di=ModbusSequentialDataBlock(0, [n % 2 for n in range(COUNT)]),
        zero_mode=True,
    )


def mutual(certificate, key, authority):
    """TLS in which the client shows a certificate as well."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def main(transport, where, *files):
    """Serves until standard input ends."""
    context = ModbusServerContext(slaves={1: unit(1), 2: unit(2)}, single=False)
    port = 0
    if transport == "rtu":
        server = ModbusSerialServer(
            context, framer=ModbusRtuFramer, port=where, baudrate=19200, parity="N"
        )
        await server.start()
        serving = asyncio.create_task(server.serve_forever())
    else:
        address = ("127.0.0.1", int(where))
        if transport == "tls":
            # Modbus/TCP Security carries whole Modbus TCP frames; pymodbus by itself leaves the
            # header out.
            from pymodbus.framer.socket_framer import ModbusSocketFramer

            server = ModbusTlsServer(
                context, framer=ModbusSocketFramer, address=address, sslctx=mutual(*files)
            )
        else:
            framer = ModbusRtuFramer if transport == "rtu-over-tcp" else None
            server = ModbusTcpServer(context, framer=framer, address=address)
        serving = asyncio.create_task(server.serve_forever())
        await server.serving
        port = server.server.sockets[0].getsockname()[1]
    print(json.dumps({"ready": True, "port": port}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    serving.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
