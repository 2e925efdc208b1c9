/*
 * Preloaded into one process (LD_PRELOAD): stands between it and the files below one folder,
 * counts the calls that change them, and at the Nth of them fails it, once or from then on, or
 * takes the power: what was written since the file's last sync is undone, all or in part, and the
 * process killed. What it did stands in a file outside of that folder.
 *
 *   BONDLINE_SHIM_FOLDER  absolute path; only files below it are looked at
 *   BONDLINE_SHIM_REPORT  file that is written, outside of the folder
 *   BONDLINE_SHIM_AT      N, from 1; 0 only counts
 *   BONDLINE_SHIM_CALLS   what is counted: "all", or "sync", the syncs of files
 *   BONDLINE_SHIM_MODE    once, ever, cut (undoes all), torn (undoes a random part) or lie: from
 *                         then on all fails, but that one call, where it is a sync, says that it
 *                         succeeded, and at the end of the process what was not synced is undone
 *   BONDLINE_SHIM_ERRNO   what a failed call says
 *   BONDLINE_SHIM_SEED    chance of torn
 *
 * The WAL-index (-shm) is left alone: it is mapped memory, made anew after a crash. A rename is
 * undone unless its folder was synced; a file that was made or removed stays so.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define HANDLES 4096
#define SECTOR 512

/* What can be undone: bytes of a file, or a rename. */
struct change {
  char *path;
  int isRename;
  char *from, *saved;
  off_t offset, sizeBefore;
  size_t length, oldLength;
  char *old, *new;
  struct change *before;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *opened[HANDLES];
static struct change *newest;
static const char *folder, *report, *mode = "", *calls = "all";
static long at, count, renames, syncsAfter;
static int failure = EIO, hasFailed, syncFailed, isReady;
static uint64_t chance = 1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void tell(const char *what, const char *path) {
  char line[PATH_MAX + 128];
  if (report == NULL) return;
  int length = snprintf(line, sizeof line, "{\"call\":\"%s\",\"count\":%ld,\"file\":\"%s\"}\n", what,
                        count, path == NULL ? "" : strrchr(path, '/') + 1);
  int handle = syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (handle < 0) return;
  syscall(SYS_write, handle, line, length);
  syscall(SYS_close, handle);
}

static const char *word(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value == NULL ? otherwise : value;
}

static void ready(void) {
  if (isReady) return;
  isReady = 1;
  folder = getenv("BONDLINE_SHIM_FOLDER");
  report = getenv("BONDLINE_SHIM_REPORT");
  mode = word("BONDLINE_SHIM_MODE", "count");
  calls = word("BONDLINE_SHIM_CALLS", "all");
  at = atol(word("BONDLINE_SHIM_AT", "0"));
  failure = atoi(word("BONDLINE_SHIM_ERRNO", "5"));
  chance = strtoull(word("BONDLINE_SHIM_SEED", "1"), NULL, 10) * 2654435769u + 1;
}

__attribute__((destructor)) static void end(void) { tell("end", NULL); }

static uint32_t some(uint32_t below) {
  chance = chance * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(chance >> 33) % below;
}

/* Whether a path is one of those below the folder. */
static int isOurs(const char *path) {
  ready();
  if (folder == NULL || path == NULL) return 0;
  size_t length = strlen(folder), all = strlen(path);
  if (strncmp(path, folder, length) != 0 || (path[length] != '/' && path[length] != 0)) return 0;
  return all < 4 || strcmp(path + all - 4, "-shm") != 0;
}

static const char *pathOf(int handle) {
  return handle >= 0 && handle < HANDLES ? opened[handle] : NULL;
}

static void undoAll(int isTorn);

/* What strikes() says of a sync that is to be left undone, and said to be done. */
#define LIED 2

/* A process of its own waits for the end of this one, however it comes. Nothing changes till then. */
static void undoAtTheEnd(void) {
  pid_t disturbed = getpid();
  if (fork() != 0) return;
  while (getppid() == disturbed) usleep(1000);
  undoAll(0);
  _exit(0);
}

/* Counts a call; returns 1 when it must fail, and does not return when the power goes. */
static int strikes(const char *call, const char *path, int isSync) {
  int isLie = strcmp(mode, "lie") == 0;
  int isCounted = isSync || strcmp(calls, "sync") != 0;
  if (!isCounted && !(isLie && hasFailed)) return 0;
  count += isCounted;
  if (isSync && syncFailed) tell("sync-after-failure", path);
  if (isSync && syncFailed) syncsAfter += 1;
  int isEver = strcmp(mode, "ever") == 0 || isLie;
  if (!(count == at || (isEver && hasFailed))) return 0;
  if (strcmp(mode, "cut") == 0 || strcmp(mode, "torn") == 0) {
    tell(call, path);
    undoAll(mode[0] == 't');
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  if (!hasFailed) tell(call, path);
  if (isLie && !hasFailed) undoAtTheEnd();
  int isLied = isLie && !hasFailed && strcmp(call, "sync") == 0;
  hasFailed = 1;
  if (isLied) return LIED;
  if (isSync) syncFailed = 1;
  errno = failure;
  return 1;
}

static int undoes(void) {
  return strcmp(mode, "cut") == 0 || strcmp(mode, "torn") == 0 || strcmp(mode, "lie") == 0;
}

/* Remembers what stands where something is about to be written; `length` 0 for a truncation. */
static void remember(const char *path, off_t offset, const void *bytes, size_t length, off_t to) {
  if (!undoes()) return;
  struct stat about;
  int handle = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
  if (handle < 0) return;
  fstat(handle, &about);
  struct change *one = calloc(1, sizeof *one);
  one->path = strdup(path);
  one->sizeBefore = about.st_size;
  one->offset = length > 0 ? offset : to;
  one->length = length;
  size_t reach = length > 0 ? length : (about.st_size > to ? (size_t)(about.st_size - to) : 0);
  one->old = malloc(reach + 1);
  ssize_t got = syscall(SYS_pread64, handle, one->old, reach, one->offset);
  one->oldLength = got > 0 ? got : 0;
  if (length > 0) one->new = memcpy(malloc(length), bytes, length);
  syscall(SYS_close, handle);
  one->before = newest;
  newest = one;
}

static void put(const char *path, const char *bytes, size_t length, off_t offset) {
  int handle = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY, 0);
  if (handle < 0) return;
  syscall(SYS_pwrite64, handle, bytes, length, offset);
  syscall(SYS_close, handle);
}

/* Undoes from the newest to the oldest; torn: some of what was undone had reached the disk. */
static void undoAll(int isTorn) {
  size_t changes = 0;
  for (struct change *one = newest; one != NULL; one = one->before) {
    changes += 1;
    if (one->isRename) {
      syscall(SYS_rename, one->path, one->from);
      if (one->saved != NULL) syscall(SYS_rename, one->saved, one->path);
      continue;
    }
    put(one->path, one->old, one->oldLength, one->offset);
    int handle = syscall(SYS_openat, AT_FDCWD, one->path, O_WRONLY, 0);
    if (handle >= 0) syscall(SYS_ftruncate, handle, one->sizeBefore);
    if (handle >= 0) syscall(SYS_close, handle);
  }
  if (!isTorn || changes == 0) return;
  struct change **all = calloc(changes, sizeof *all);
  size_t next = changes;
  for (struct change *one = newest; one != NULL; one = one->before) all[--next] = one;
  for (size_t index = 0; index < changes; index += 1) {
    struct change *one = all[index];
    if (one->new == NULL) continue;
    size_t length = one->length;
    uint32_t luck = some(4);
    if (luck == 0) continue;
    if (luck == 1) length = length < SECTOR ? some(length + 1) : some(length / SECTOR + 1) * SECTOR;
    put(one->path, one->new, length, one->offset);
  }
}

/* What is synced can no more be undone. */
static void synced(const char *path) {
  size_t length = strlen(path);
  for (struct change **link = &newest; *link != NULL;) {
    struct change *one = *link;
    const char *name = strrchr(one->path, '/');
    int isFolder = one->isRename && (size_t)(name - one->path) == length &&
                   strncmp(one->path, path, length) == 0;
    if (isFolder || (!one->isRename && strcmp(one->path, path) == 0)) {
      if (one->saved != NULL) syscall(SYS_unlink, one->saved);
      *link = one->before;
    } else {
      link = &one->before;
    }
  }
}

static int note(int handle, const char *path) {
  if (handle >= 0 && handle < HANDLES) {
    free(opened[handle]);
    opened[handle] = path != NULL && isOurs(path) ? strdup(path) : NULL;
  }
  return handle;
}

static int openAny(int place, const char *path, int flags, mode_t rights) {
  if (isOurs(path)) {
    pthread_mutex_lock(&lock);
    int isStruck = strikes("open", path, 0);
    if (!isStruck && (flags & O_TRUNC)) remember(path, 0, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    if (isStruck) return -1;
  }
  int handle = syscall(SYS_openat, place, path, flags, rights);
  pthread_mutex_lock(&lock);
  note(handle, path);
  pthread_mutex_unlock(&lock);
  return handle;
}

#define RIGHTS(flags)                                       \
  mode_t rights = 0;                                        \
  if ((flags) & (O_CREAT | O_TMPFILE)) {                    \
    va_list more;                                           \
    va_start(more, flags);                                  \
    rights = va_arg(more, mode_t);                          \
    va_end(more);                                           \
  }

int open(const char *path, int flags, ...) {
  RIGHTS(flags) return openAny(AT_FDCWD, path, flags, rights);
}
int open64(const char *path, int flags, ...) {
  RIGHTS(flags) return openAny(AT_FDCWD, path, flags | O_LARGEFILE, rights);
}
int openat(int place, const char *path, int flags, ...) {
  RIGHTS(flags) return openAny(place, path, flags, rights);
}
int openat64(int place, const char *path, int flags, ...) {
  RIGHTS(flags) return openAny(place, path, flags | O_LARGEFILE, rights);
}

int close(int handle) {
  pthread_mutex_lock(&lock);
  note(handle, NULL);
  pthread_mutex_unlock(&lock);
  return syscall(SYS_close, handle);
}

/* Decides over a write; returns 1 when it fails. */
static int writes(int handle, const void *bytes, size_t length, off_t offset) {
  int isStruck = 0;
  pthread_mutex_lock(&lock);
  const char *path = pathOf(handle);
  if (path != NULL) {
    isStruck = strikes("write", path, 0);
    if (!isStruck && length > 0) remember(path, offset, bytes, length, 0);
  }
  pthread_mutex_unlock(&lock);
  return isStruck;
}

ssize_t pwrite64(int handle, const void *bytes, size_t length, off64_t offset) {
  if (writes(handle, bytes, length, offset)) return -1;
  return syscall(SYS_pwrite64, handle, bytes, length, offset);
}
ssize_t pwrite(int handle, const void *bytes, size_t length, off_t offset) {
  return pwrite64(handle, bytes, length, offset);
}
ssize_t write(int handle, const void *bytes, size_t length) {
  if (pathOf(handle) != NULL && writes(handle, bytes, length, lseek(handle, 0, SEEK_CUR))) return -1;
  return syscall(SYS_write, handle, bytes, length);
}

static int truncates(int handle, off_t length) {
  int isStruck = 0;
  pthread_mutex_lock(&lock);
  const char *path = pathOf(handle);
  if (path != NULL) {
    isStruck = strikes("truncate", path, 0);
    if (!isStruck) remember(path, 0, NULL, 0, length);
  }
  pthread_mutex_unlock(&lock);
  return isStruck ? -1 : syscall(SYS_ftruncate, handle, length);
}
int ftruncate(int handle, off_t length) { return truncates(handle, length); }
int ftruncate64(int handle, off64_t length) { return truncates(handle, length); }

static int syncs(int handle, long call) {
  pthread_mutex_lock(&lock);
  const char *path = pathOf(handle);
  /* SQLite takes no notice of a folder that cannot be synced; who opens a database syncs it anew. */
  struct stat about;
  int isFolder = path != NULL && fstat(handle, &about) == 0 && S_ISDIR(about.st_mode);
  int isSync = !isFolder || strcmp(mode, "lie") == 0;
  int isStruck = path == NULL ? 0 : strikes("sync", path, isSync);
  int result = isStruck == LIED ? 0 : -1;
  if (!isStruck) {
    result = syscall(call, handle);
    if (path != NULL && result == 0) synced(path);
  }
  pthread_mutex_unlock(&lock);
  return result;
}
int fsync(int handle) { return syncs(handle, SYS_fsync); }
int fdatasync(int handle) { return syncs(handle, SYS_fdatasync); }

int rename(const char *from, const char *to) {
  if (!isOurs(to)) return syscall(SYS_rename, from, to);
  pthread_mutex_lock(&lock);
  int isStruck = strikes("rename", to, 0);
  if (!isStruck && undoes()) {
    char saved[PATH_MAX];
    struct change *one = calloc(1, sizeof *one);
    snprintf(saved, sizeof saved, "%s.saved-%ld", folder, renames++);
    one->isRename = 1;
    one->path = strdup(to);
    one->from = strdup(from);
    if (syscall(SYS_link, to, saved) == 0) one->saved = strdup(saved);
    one->before = newest;
    newest = one;
  }
  pthread_mutex_unlock(&lock);
  return isStruck ? -1 : syscall(SYS_rename, from, to);
}

int unlink(const char *path) {
  if (!isOurs(path)) return syscall(SYS_unlink, path);
  pthread_mutex_lock(&lock);
  int isStruck = strikes("unlink", path, 0);
  pthread_mutex_unlock(&lock);
  return isStruck ? -1 : syscall(SYS_unlink, path);
}
