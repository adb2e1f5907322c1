// selvage-chaos-wire: network links between namespaces that lose, delay, reorder and swallow packets.
//
//   selvage-chaos-wire SEED NAME:NAMESPACE:DEVICE:NAMESPACE:DEVICE …
//
// Each link is a pair of TUN devices (IP packets), made here in the named namespaces (of `ip netns`; "-" is the own one). They
// vanish with this process. So no netem of the kernel is needed, and all links follow one seed. Ends when standard input ends.
// Command, a line, answered with a line:
//
//   set NAME both|ab|ba DELAY_MS JITTER_MS LOSS_PERCENT DUPLICATE_PERCENT
//
// for one direction or both. Jitter lets packets overtake each other. A loss of 100 is a cut: nothing comes back, not even
// an error. Bounded: 4,096 packets under way a direction; more are dropped, as a router does.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Time = std::chrono::steady_clock::time_point;

constexpr std::size_t kUnderWayMax = 4096;
constexpr std::size_t kPacketBytesMax = 65536;
constexpr int kReadsATurn = 64;

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "selvage-chaos-wire: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

// A TUN device in a namespace, gone when the descriptor is closed.
int make_device(const std::string& space, const std::string& name, int home) {
    if (space != "-") {
        const int there = ::open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
        if (there < 0 || ::setns(there, CLONE_NEWNET) != 0) die("namespace " + space);
        ::close(there);
    }
    const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (fd < 0 || ::ioctl(fd, TUNSETIFF, &request) != 0) die("TUN device " + name);
    if (::setns(home, CLONE_NEWNET) != 0) die("own namespace");
    return fd;
}

struct Weather {
    double delay_ms = 0;
    double jitter_ms = 0;
    double loss_percent = 0;
    double duplicate_percent = 0;
};

class Direction {
public:
    Direction(int from, int to) : from_(from), to_(to) {}

    int from() const { return from_; }
    void set(const Weather& weather) { weather_ = weather; }

    // Takes what the sender has; what is due at once goes out at once.
    void take(std::mt19937_64& random, Time now) {
        for (int i = 0; i < kReadsATurn; ++i) {
            std::array<char, kPacketBytesMax> bytes;
            const auto got = ::read(from_, bytes.data(), bytes.size());
            if (got <= 0) return;
            if (roll(random) < weather_.loss_percent) continue;
            const int copies = roll(random) < weather_.duplicate_percent ? 2 : 1;
            for (int copy = 0; copy < copies && under_way_.size() < kUnderWayMax; ++copy)
                under_way_.emplace(due(random, now), std::string(bytes.data(), static_cast<std::size_t>(got)));
        }
    }

    void deliver(Time now) {
        while (!under_way_.empty() && under_way_.begin()->first <= now) {
            const auto& packet = under_way_.begin()->second;
            // A device that is down takes nothing: the packet is lost, as on a wire.
            [[maybe_unused]] const auto sent = ::write(to_, packet.data(), packet.size());
            under_way_.erase(under_way_.begin());
        }
    }

    // Milliseconds until the next packet is due; -1: none is under way.
    int wait(Time now) const {
        if (under_way_.empty()) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(under_way_.begin()->first - now).count();
        return static_cast<int>(std::max<std::int64_t>(left, 0));
    }

private:
    static double roll(std::mt19937_64& random) { return std::uniform_real_distribution<double>(0, 100)(random); }

    Time due(std::mt19937_64& random, Time now) const {
        const double jitter = weather_.jitter_ms * (roll(random) / 50 - 1);
        const double wait = std::max(0.0, weather_.delay_ms + jitter);
        return now + std::chrono::microseconds(static_cast<std::int64_t>(wait * 1000));
    }

    int from_;
    int to_;
    Weather weather_;
    std::multimap<Time, std::string> under_way_;     // equal times keep their order
};

struct Link {
    Direction ab;
    Direction ba;
};

using Links = std::map<std::string, Link>;

std::string obey(const std::string& line, Links& links) {
    std::istringstream words(line);
    std::string verb, name, direction;
    Weather weather;
    words >> verb >> name >> direction >> weather.delay_ms >> weather.jitter_ms >> weather.loss_percent >>
        weather.duplicate_percent;
    const auto link = links.find(name);
    if (!words || verb != "set" || link == links.end()) return "unknown command";
    if (direction != "ba") link->second.ab.set(weather);
    if (direction != "ab") link->second.ba.set(weather);
    return "set";
}

bool obey_input(std::string& input, Links& links) {
    std::array<char, 1024> bytes;
    const auto got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got <= 0) return false;
    input.append(bytes.data(), static_cast<std::size_t>(got));
    for (auto end = input.find('\n'); end != input.npos; end = input.find('\n')) {
        std::puts(obey(input.substr(0, end), links).c_str());
        std::fflush(stdout);
        input.erase(0, end + 1);
    }
    return true;
}

void make_link(Links& links, const std::string& text, int home) {
    std::vector<std::string> parts;
    std::istringstream words(text);
    for (std::string part; std::getline(words, part, ':');) parts.push_back(part);
    if (parts.size() != 5) {
        errno = EINVAL;
        die(text);
    }
    const int a = make_device(parts[1], parts[2], home);
    const int b = make_device(parts[3], parts[4], home);
    links.emplace(parts[0], Link{Direction(a, b), Direction(b, a)});
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: selvage-chaos-wire SEED NAME:NAMESPACE:DEVICE:NAMESPACE:DEVICE …\n");
        return 2;
    }
    std::mt19937_64 random(std::strtoull(argv[1], nullptr, 10));
    const int home = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0) die("/proc/self/ns/net");
    Links links;
    for (int i = 2; i < argc; ++i) make_link(links, argv[i], home);
    std::vector<Direction*> directions;
    for (auto& [name, link] : links) directions.insert(directions.end(), {&link.ab, &link.ba});
    std::puts("ready");
    std::fflush(stdout);

    std::string input;
    std::vector<pollfd> waiting;
    for (const auto* direction : directions) waiting.push_back({direction->from(), POLLIN, 0});
    waiting.push_back({STDIN_FILENO, POLLIN, 0});
    for (;;) {
        int wait = -1;
        for (const auto* direction : directions) {
            const int due = direction->wait(std::chrono::steady_clock::now());
            if (due >= 0 && (wait < 0 || due < wait)) wait = due;
        }
        if (::poll(waiting.data(), waiting.size(), wait) < 0 && errno != EINTR) die("poll");
        const auto now = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < directions.size(); ++i) {
            if ((waiting[i].revents & POLLIN) != 0) directions[i]->take(random, now);
            directions[i]->deliver(now);
        }
        if ((waiting.back().revents & (POLLIN | POLLHUP)) != 0 && !obey_input(input, links)) return 0;
    }
}
