// The file is cloned as a mount of its own (open_tree), and a child process, which alone may change its mount namespace,
// enters the container's and moves it there (move_mount). The child only makes system calls: it was forked from a process
// with several threads.

#include "edge/runtime/docker/mount_refresh.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace selvage::edge::runtime {
namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

bool sees_already(int pid, const std::string& host_path, const std::string& inside) {
    struct stat here {};
    struct stat there {};
    if (::stat(host_path.c_str(), &here) != 0) return false;
    if (::stat(fmt::format("/proc/{}/root{}", pid, inside).c_str(), &there) != 0) return false;
    return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

std::unexpected<Error> refused(std::string_view step, int error) {
    return fail(Errc::unsupported, from_errno(step, error).detail);
}

// In the child: 0, or the errno of the step that failed.
int move_into(int name_space, int tree, const char* inside) {
    if (::setns(name_space, CLONE_NEWNS) != 0) return errno;
    // What lies there now, in this place only; when it is no mount point the new one simply covers it.
    ::umount2(inside, MNT_DETACH);
    if (::move_mount(tree, "", AT_FDCWD, inside, MOVE_MOUNT_F_EMPTY_PATH) != 0) return errno;
    return 0;
}

}  // namespace

Result<> refresh_file_mount(int pid, const std::string& host_path, const std::string& inside) {
    if (sees_already(pid, host_path, inside)) return {};
    const Descriptor tree(::open_tree(AT_FDCWD, host_path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    if (tree.get() < 0) return refused("clone the mount of " + host_path, errno);
    const std::string space_path = fmt::format("/proc/{}/ns/mnt", pid);
    const Descriptor space(::open(space_path.c_str(), O_RDONLY | O_CLOEXEC));
    if (space.get() < 0) return refused("open " + space_path, errno);

    const pid_t child = ::fork();
    if (child < 0) return refused("fork", errno);
    if (child == 0) ::_exit(move_into(space.get(), tree.get(), inside.c_str()));
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status)) return fail(Errc::unsupported, "the process that moves the mount was killed");
    if (WEXITSTATUS(status) != 0) return refused(fmt::format("mount {} in the container of process {}", inside, pid), WEXITSTATUS(status));
    return {};
}

}  // namespace selvage::edge::runtime
