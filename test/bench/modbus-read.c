/*
 * What libmodbus does in C: reads 125 holding registers over and over for a while.
 *
 * Usage: modbus-read PORT MILLISECONDS
 *
 * Prints the reads per second and the processor time of this program, microseconds per read.
 */
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REGISTERS 125

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    modbus_t *modbus = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
    if (modbus == NULL || modbus_connect(modbus) != 0) {
        perror("connect");
        return 1;
    }
    uint16_t registers[REGISTERS];
    double start = seconds(CLOCK_MONOTONIC);
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    double end = start + atoi(argv[2]) / 1e3;
    long reads = 0;
    while (seconds(CLOCK_MONOTONIC) < end) {
        if (modbus_read_registers(modbus, 0, REGISTERS, registers) != REGISTERS) {
            perror("read");
            return 1;
        }
        reads += 1;
    }
    double elapsed = seconds(CLOCK_MONOTONIC) - start;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%.1f %.3f\n", (double)reads / elapsed, cpu * 1e6 / (double)reads);
    modbus_close(modbus);
    modbus_free(modbus);
    return 0;
}
