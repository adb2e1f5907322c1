// selvage-chaos-disk: a disk with a volatile cache, for power cuts on real processes.
//
//   selvage-chaos-disk MOUNT_POINT IMAGE MEGABYTES
//
// Shows one file, MOUNT_POINT/disk, for a loop device. Every write is recorded; a flush makes those before it permanent, in
// IMAGE. Speaks the kernel's FUSE protocol itself (linux/fuse.h), so it needs no library. Ends when standard input ends.
// Commands, a line each, answered with a line:
//
//   cut SEED   the power goes: everything is answered with EIO; of what was written since the last flush some is kept, some
//              lost and some torn between sectors, as SEED says
//   on         the power is back; the disk has what the cut left
//   slow MS    every flush takes MS longer; 0: no more
//
// One thread. The order in which a disk takes what is in its cache is free, so any subset is a disk's right.
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kSector = 512;
constexpr std::uint32_t kWriteBytesMax = 1 << 20;
constexpr std::uint64_t kDiskNode = 2;
constexpr const char* kDiskName = "disk";
constexpr std::uint64_t kForEver = 1'000'000;

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "selvage-chaos-disk: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

// What was written and what of it would survive.
class Disk {
public:
    Disk(const std::string& image, std::size_t bytes) : bytes_(bytes) {
        const int fd = ::open(image.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(bytes)) != 0) die(image);
        permanent_ = map(MAP_SHARED, fd);
        current_ = map(MAP_PRIVATE, fd);
        ::close(fd);
    }

    std::size_t size() const { return bytes_; }
    const char* at(std::uint64_t offset) const { return current_ + offset; }

    void write(std::uint64_t offset, std::string_view bytes) {
        std::memcpy(current_ + offset, bytes.data(), bytes.size());
        recorded_.push_back({offset, std::string(bytes)});
    }

    void flush() {
        for (const auto& write : recorded_) std::memcpy(permanent_ + write.offset, write.bytes.data(), write.bytes.size());
        recorded_.clear();
    }

    // Forgets what the cut takes; says what it did.
    std::string cut(std::uint64_t seed) {
        std::mt19937_64 random(seed);
        enum class Fate { all_lost, all_kept, first_ones_kept, any };
        const auto fate = static_cast<Fate>(random() % 4);
        const std::size_t kept_first = recorded_.empty() ? 0 : random() % (recorded_.size() + 1);
        std::size_t kept = 0;
        std::size_t torn = 0;
        for (std::size_t i = 0; i < recorded_.size(); ++i) {
            const auto& write = recorded_[i];
            const auto coin = random() % 4;
            const bool tear = fate == Fate::any ? coin == 0 : fate == Fate::first_ones_kept && i == kept_first;
            const bool keep = fate == Fate::all_kept || (fate == Fate::first_ones_kept && i < kept_first) ||
                              (fate == Fate::any && coin > 1);
            for (std::size_t from = 0; from < write.bytes.size(); from += kSector) {
                if (!keep && !(tear && random() % 2 == 0)) continue;
                const auto count = std::min(kSector, write.bytes.size() - from);
                std::memcpy(permanent_ + write.offset + from, write.bytes.data() + from, count);
            }
            kept += keep ? 1 : 0;
            torn += tear ? 1 : 0;
        }
        for (const auto& write : recorded_)
            std::memcpy(current_ + write.offset, permanent_ + write.offset, write.bytes.size());
        std::ostringstream text;
        text << "cut unflushed=" << recorded_.size() << " kept=" << kept << " torn=" << torn;
        recorded_.clear();
        return text.str();
    }

private:
    struct Write {
        std::uint64_t offset;
        std::string bytes;
    };

    char* map(int flags, int fd) const {
        void* at = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, fd, 0);
        if (at == MAP_FAILED) die("mmap");
        return static_cast<char*>(at);
    }

    std::size_t bytes_;
    char* permanent_;                 // the image: what survives
    char* current_;                   // what reads see
    std::vector<Write> recorded_;     // since the last flush
};

// The kernel's requests.
class Server {
public:
    Server(Disk& disk, const char* mount_point) : disk_(disk), buffer_(kWriteBytesMax + 65536) {
        fd_ = ::open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (fd_ < 0) die("/dev/fuse");
        const std::string options = "fd=" + std::to_string(fd_) + ",rootmode=40000,user_id=0,group_id=0,max_read=1048576";
        if (::mount("selvage-chaos-disk", mount_point, "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0) die(mount_point);
        // What is mounted on this disk from here on is not in our sight: were we the last to hold it when we are killed, our
        // end would wait for writes that only we can answer.
        if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) die("unshare");
    }

    int fd() const { return fd_; }
    // Off: who waits for a flush gets EIO, like everyone after.
    void power(bool on) {
        on_ = on;
        for (const auto& flush : flushes_) {
            header_.unique = flush.unique;
            refuse(EIO);
        }
        flushes_.clear();
    }
    void slow(std::chrono::milliseconds by) { slow_ = by; }

    // Milliseconds until the next flush is done; -1: none is under way.
    int wait() const {
        if (flushes_.empty()) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(flushes_.front().due - Clock::now()).count();
        return static_cast<int>(std::max<std::int64_t>(left, 0));
    }
    void finish_flushes() {
        while (!flushes_.empty() && flushes_.front().due <= Clock::now()) {
            disk_.flush();
            header_.unique = flushes_.front().unique;
            reply({});
            flushes_.pop_front();
        }
    }

    // One request. False when the file system is gone.
    bool serve() {
        const auto got = ::read(fd_, buffer_.data(), buffer_.size());
        if (got < 0) return errno == EINTR || errno == EAGAIN || errno == ENOENT;
        if (static_cast<std::size_t>(got) < sizeof header_) return true;
        std::memcpy(&header_, buffer_.data(), sizeof header_);
        return answer(buffer_.data() + sizeof header_);
    }

private:
    using Clock = std::chrono::steady_clock;
    struct Flush {
        std::uint64_t unique;
        Clock::time_point due;
    };

    bool answer(const char* body) {
        switch (header_.opcode) {
            case FUSE_INIT: init(read<fuse_init_in>(body)); return true;
            case FUSE_DESTROY: reply({}); return false;
            case FUSE_FORGET:
            case FUSE_BATCH_FORGET:
            case FUSE_INTERRUPT: return true;
            case FUSE_LOOKUP: look_up(body); return true;
            case FUSE_GETATTR:
            case FUSE_SETATTR: reply(bytes_of(attributes_answer())); return true;
            case FUSE_OPEN: open(); return true;
            case FUSE_OPENDIR: reply(bytes_of(fuse_open_out{})); return true;
            case FUSE_STATFS: reply(bytes_of(fuse_statfs_out{})); return true;
            case FUSE_FLUSH:
            case FUSE_RELEASE:
            case FUSE_RELEASEDIR: reply({}); return true;
            case FUSE_READ: read_disk(read<fuse_read_in>(body)); return true;
            case FUSE_WRITE: write_disk(read<fuse_write_in>(body), body + sizeof(fuse_write_in)); return true;
            case FUSE_FSYNC: flush(); return true;
            default: refuse(ENOSYS); return true;
        }
    }

    void init(const fuse_init_in& asked) {
        fuse_init_out out{};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = std::min<std::uint32_t>(asked.minor, FUSE_KERNEL_MINOR_VERSION);
        out.max_readahead = asked.max_readahead;
        out.flags = asked.flags & (FUSE_BIG_WRITES | FUSE_MAX_PAGES);
        out.max_background = 64;
        out.congestion_threshold = 48;
        out.max_write = kWriteBytesMax;
        out.time_gran = 1;
        out.max_pages = kWriteBytesMax / 4096;
        reply(bytes_of(out));
    }

    // Past the page cache: each write of the loop device comes here at once, and after a cut nothing old is read.
    void open() {
        fuse_open_out out{};
        out.fh = 1;
        out.open_flags = FOPEN_DIRECT_IO;
        reply(bytes_of(out));
    }

    void look_up(const char* name) {
        if (std::string_view(name) != kDiskName) return refuse(ENOENT);
        header_.nodeid = kDiskNode;
        fuse_entry_out out{};
        out.nodeid = kDiskNode;
        out.entry_valid = out.attr_valid = kForEver;
        out.attr = attributes();
        reply(bytes_of(out));
    }

    fuse_attr attributes() const {
        fuse_attr attr{};
        const bool is_disk = header_.nodeid == kDiskNode;
        attr.ino = header_.nodeid;
        attr.size = is_disk ? disk_.size() : 0;
        attr.blocks = attr.size / kSector;
        attr.mode = is_disk ? S_IFREG | 0600 : S_IFDIR | 0700;
        attr.nlink = 1;
        attr.blksize = 4096;
        return attr;
    }

    fuse_attr_out attributes_answer() const {
        fuse_attr_out out{};
        out.attr_valid = kForEver;
        out.attr = attributes();
        return out;
    }

    void read_disk(const fuse_read_in& asked) {
        if (!on_) return refuse(EIO);
        const auto from = std::min<std::uint64_t>(asked.offset, disk_.size());
        reply({disk_.at(from), std::min<std::uint64_t>(asked.size, disk_.size() - from)});
    }

    void write_disk(const fuse_write_in& asked, const char* bytes) {
        if (!on_) return refuse(EIO);
        if (asked.offset + asked.size > disk_.size()) return refuse(ENOSPC);
        disk_.write(asked.offset, {bytes, asked.size});
        fuse_write_out out{};
        out.size = asked.size;
        reply(bytes_of(out));
    }

    void flush() {
        if (!on_) return refuse(EIO);
        flushes_.push_back({header_.unique, Clock::now() + slow_});
        finish_flushes();
    }

    template <class T>
    static T read(const char* body) {
        T value;
        std::memcpy(&value, body, sizeof value);
        return value;
    }
    // The object must live until the end of the full expression: an argument of reply().
    template <class T>
    static std::string_view bytes_of(const T& value) {
        return {reinterpret_cast<const char*>(&value), sizeof value};
    }

    void refuse(int error) { send(-error, {}); }
    void reply(std::string_view body) { send(0, body); }
    void send(int error, std::string_view body) {
        fuse_out_header out{};
        out.len = static_cast<std::uint32_t>(sizeof out + body.size());
        out.error = error;
        out.unique = header_.unique;
        const iovec parts[] = {{&out, sizeof out}, {const_cast<char*>(body.data()), body.size()}};
        // Fails when the asker has given up; there is nobody to tell then.
        [[maybe_unused]] const auto sent = ::writev(fd_, parts, 2);
    }

    Disk& disk_;
    std::vector<char> buffer_;
    fuse_in_header header_{};
    int fd_ = -1;
    bool on_ = true;
    std::chrono::milliseconds slow_{0};
    std::deque<Flush> flushes_;       // under way; the kernel asks for no more than a few at once
};

std::string obey(const std::string& line, Disk& disk, Server& server) {
    std::istringstream words(line);
    std::string verb;
    std::uint64_t number = 0;
    words >> verb >> number;
    if (verb == "cut") {
        server.power(false);
        return disk.cut(number);
    }
    if (verb == "on") {
        server.power(true);
        return "on";
    }
    if (verb == "slow") {
        server.slow(std::chrono::milliseconds(number));
        return "slow";
    }
    return "unknown command";
}

// Reads what there is of standard input and obeys whole lines. False at its end.
bool obey_input(std::string& input, Disk& disk, Server& server) {
    char bytes[256];
    const auto got = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (got <= 0) return false;
    input.append(bytes, static_cast<std::size_t>(got));
    for (auto end = input.find('\n'); end != input.npos; end = input.find('\n')) {
        std::puts(obey(input.substr(0, end), disk, server).c_str());
        std::fflush(stdout);
        input.erase(0, end + 1);
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4 || std::atoi(argv[3]) < 8) {
        std::fprintf(stderr, "usage: selvage-chaos-disk MOUNT_POINT IMAGE MEGABYTES (at least 8)\n");
        return 2;
    }
    Disk disk(argv[2], static_cast<std::size_t>(std::atoi(argv[3])) << 20);
    Server server(disk, argv[1]);
    std::puts("ready");
    std::fflush(stdout);
    std::string input;
    pollfd waiting[] = {{server.fd(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    for (;;) {
        if (::poll(waiting, 2, server.wait()) < 0 && errno != EINTR) die("poll");
        server.finish_flushes();
        if ((waiting[0].revents & (POLLERR | POLLHUP)) != 0) break;
        if ((waiting[0].revents & POLLIN) != 0 && !server.serve()) break;
        if ((waiting[1].revents & (POLLIN | POLLHUP)) != 0 && !obey_input(input, disk, server)) break;
    }
    ::umount2(argv[1], MNT_DETACH);
    return 0;
}
