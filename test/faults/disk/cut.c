/*
 * Takes the power from an ext4 file system: EXT4_IOC_SHUTDOWN with NOLOGFLUSH, after which nothing
 * reaches the device any more and what was not synced is gone at the next mount (Linux,
 * fs/ext4/ioctl.c). `cut DIRECTORY`; root only.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define NOLOGFLUSH 2

int main(int count, char **words) {
  uint32_t flags = NOLOGFLUSH;
  if (count != 2) return 2;
  int folder = open(words[1], O_RDONLY | O_DIRECTORY);
  if (folder < 0 || ioctl(folder, EXT4_IOC_SHUTDOWN, &flags) != 0) {
    perror(words[1]);
    return 1;
  }
  return 0;
}
