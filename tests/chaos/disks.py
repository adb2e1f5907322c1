"""File systems of their own for the stores: small enough to fill, on a disk whose power can be cut (disk.cpp)."""
import errno
import os
import time

from processes import Failure, Program, run


class Disk:
    """ext4 on a loop device on selvage-chaos-disk, mounted at `folder`."""

    def __init__(self, root, name, megabytes, bin_folder, log_folder):
        self.name = name
        self.folder = root / name
        self.shown = root / "disks" / name
        self.image = root / "disks" / f"{name}.image"
        for path in (self.folder, self.shown):
            path.mkdir(parents=True, exist_ok=True)
        self.program = Program(f"disk-{name}", [bin_folder / "selvage-chaos-disk", self.shown, self.image, megabytes],
                               log_folder / f"disk-{name}.log", commanded=True)

    def start(self):
        """Before any file system is mounted: the program must not see those that are mounted on it and its like."""
        self.program.start()

    def make(self):
        device = run("losetup", "--find", "--show", self.shown / "disk").strip()
        run("mkfs.ext4", "-q", "-b", "4096", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", device)
        self._mount(device)

    def _mount(self, device):
        try:
            run("mount", "-t", "ext4", device, self.folder)
        finally:
            run("losetup", "--detach", device)     # goes when the file system does
        self.device = device

    def cut(self, seed):
        """The power goes. Says what the cache lost."""
        return self.program.ask(f"cut {seed}")

    def come_back(self):
        """What used the file system is gone; the disk has power again and is mounted with what the cut left."""
        self._unmount()
        self.program.ask("on 0")
        self._mount(run("losetup", "--find", "--show", self.shown / "disk").strip())

    def _unmount(self):
        for _ in range(100):
            if run("umount", self.folder, check=False) == "":
                break
            time.sleep(0.05)
        else:
            raise Failure(f"{self.folder} is still used by someone")
        for _ in range(100):
            if not run("losetup", "--associated", self.shown / "disk"):
                return
            time.sleep(0.05)
        raise Failure(f"the loop device of {self.name} is still there")

    def slow(self, milliseconds):
        self.program.ask(f"slow {milliseconds}")

    def fill(self):
        """Takes all space that is left."""
        fd = os.open(self.folder / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for block in (1 << 20, 4096):
                try:
                    while True:
                        size = os.fstat(fd).st_size
                        os.posix_fallocate(fd, size, block)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
        finally:
            os.close(fd)

    def free(self):
        (self.folder / "ballast").unlink(missing_ok=True)

    def remove(self):
        if self.program.running():
            try:
                self._unmount()
            except Failure:
                run("umount", "-l", self.folder, check=False)
            self.program.child.stdin.close()
            self.program.kill()
            run("umount", "-l", self.shown, check=False)
