/*
 * A libmodbus server that replays a recording: one row of a CSV file for each read of the block.
 *
 * Usage: modbus-replay PORT CSV        (PORT 0 takes any free one)
 *
 * Holding registers 0 and 1 hold the row's number from 0 as uint32; then follow the first eight
 * columns after the time as float32, two registers each, high word first. A read of the whole
 * block serves the next row, so every row is served exactly once; when none is left, such a read
 * is answered with exception 4. Any other read sees the row that was served last.
 *
 * Prints {"ready": true, "port", "rows", "registers"} when it listens, then {"row", "hex"} for
 * each row that it serves, and ends when its standard input does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define COLUMNS 8
#define REGISTERS (2 + 2 * COLUMNS)
#define LINE_MAX_BYTES 4096
#define CLIENTS_MAX 8

typedef struct {
    uint16_t (*rows)[REGISTERS];
    int count;
    int next;
} recording_t;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* High word first. modbus_set_float_abcd of libmodbus 3.1.6 swaps the bytes of each word. */
static void set_float(uint16_t *registers, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    registers[0] = (uint16_t)(bits >> 16);
    registers[1] = (uint16_t)bits;
}

/* Reads every row of the file into registers; the first line holds the names of the columns. */
static recording_t read_recording(const char *path) {
    recording_t recording = {NULL, 0, 0};
    char line[LINE_MAX_BYTES];
    FILE *file = fopen(path, "r");
    if (file == NULL) fail(path);
    if (fgets(line, sizeof line, file) == NULL) fail(path);
    while (fgets(line, sizeof line, file) != NULL) {
        recording.rows = realloc(recording.rows, (recording.count + 1) * sizeof *recording.rows);
        if (recording.rows == NULL) fail("realloc");
        uint16_t *registers = recording.rows[recording.count];
        registers[0] = (uint16_t)((uint32_t)recording.count >> 16);
        registers[1] = (uint16_t)recording.count;
        char *at = line;
        for (int column = 0; column < COLUMNS; column += 1) {
            at = strchr(at, ';');
            if (at == NULL) fail("a row has too few columns");
            at += 1;
            /* By way of a double, as the test and the Python server do it. */
            set_float(&registers[2 + 2 * column], (float)strtod(at, NULL));
        }
        recording.count += 1;
    }
    fclose(file);
    return recording;
}

static void say_row(int row, const uint16_t *registers) {
    printf("{\"row\": %d, \"hex\": \"", row);
    for (int i = 0; i < REGISTERS; i += 1) printf("%04x", registers[i]);
    printf("\"}\n");
    fflush(stdout);
}

/* Answers one request; returns -1 when the client is gone. */
static int answer(modbus_t *modbus, modbus_mapping_t *mapping, recording_t *recording) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int length = modbus_receive(modbus, query);
    if (length <= 0) return length;
    const uint8_t *pdu = query + modbus_get_header_length(modbus);
    int address = pdu[1] << 8 | pdu[2];
    int quantity = pdu[3] << 8 | pdu[4];
    if (pdu[0] != MODBUS_FC_READ_HOLDING_REGISTERS) {
        return modbus_reply_exception(modbus, query, MODBUS_EXCEPTION_ILLEGAL_FUNCTION);
    }
    if (address == 0 && quantity == REGISTERS) {
        if (recording->next == recording->count) {
            return modbus_reply_exception(modbus, query,
                                          MODBUS_EXCEPTION_SLAVE_OR_SERVER_FAILURE);
        }
        memcpy(mapping->tab_registers, recording->rows[recording->next],
               sizeof recording->rows[0]);
        say_row(recording->next, mapping->tab_registers);
        recording->next += 1;
    }
    return modbus_reply(modbus, query, length, mapping);
}

static int port_of(int listener) {
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    if (getsockname(listener, (struct sockaddr *)&bound, &size) != 0) fail("getsockname");
    return ntohs(bound.sin_port);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s PORT CSV\n", argv[0]);
        return 2;
    }
    recording_t recording = read_recording(argv[2]);
    modbus_t *modbus = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
    modbus_mapping_t *mapping = modbus_mapping_new(0, 0, REGISTERS, 0);
    if (modbus == NULL || mapping == NULL) fail("libmodbus");
    int listener = modbus_tcp_listen(modbus, CLIENTS_MAX);
    if (listener < 0) fail("listen");
    printf("{\"ready\": true, \"port\": %d, \"rows\": %d, \"registers\": %d}\n",
           port_of(listener), recording.count, REGISTERS);
    fflush(stdout);

    fd_set open_files;
    FD_ZERO(&open_files);
    FD_SET(STDIN_FILENO, &open_files);
    FD_SET(listener, &open_files);
    for (;;) {
        fd_set ready = open_files;
        if (select(FD_SETSIZE, &ready, NULL, NULL, NULL) < 0) fail("select");
        for (int file = 0; file < FD_SETSIZE; file += 1) {
            if (!FD_ISSET(file, &ready)) continue;
            if (file == STDIN_FILENO) {
                char ignored[64];
                if (read(file, ignored, sizeof ignored) <= 0) return 0;
            } else if (file == listener) {
                int client = accept(listener, NULL, NULL);
                if (client >= 0) FD_SET(client, &open_files);
            } else {
                modbus_set_socket(modbus, file);
                if (answer(modbus, mapping, &recording) == -1) {
                    close(file);
                    FD_CLR(file, &open_files);
                }
            }
        }
    }
}
