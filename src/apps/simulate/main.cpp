// selvage-simulate: runs simulated fleets and says which promises were broken. Exit codes: 0 none, 1 some, 2 bad usage.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "apps/simulate/heap.h"
#include "base/log.h"
#include "simulation/world.h"

namespace {

using namespace selvage;
using simulation::Plan;
using simulation::Report;
using simulation::Scenario;

constexpr const char* kUsage = R"(usage: selvage-simulate [options]
  --seeds N           how many seeds to run (default 100; 1 with --seed or --scenario offline)
  --seed S            the first seed (default 1)
  --days D            simulated days a seed (default 0.17; 30 with --scenario offline)
  --scenario NAME     faults (default), calm, offline
  --edges N           edge devices (default 1)
  --faults N          faults a seed, about (default 30)
  --messages N        bursts of messages a device (default 60)
  --jobs N            seeds at a time (default: one a processor)
  --agents yes|no     daemon, agent and container engine on each edge device (default: yes, no when offline)
  --check             each seed twice; the traces have to be the same
  --trace             print every event
  --log LEVEL         what the hubs say: debug, info, warn, error (default: nothing)
)";

struct Options {
    std::uint64_t first = 1;
    std::optional<std::uint64_t> seeds;
    std::optional<double> days;
    std::size_t jobs = std::max(1u, std::thread::hardware_concurrency());
    bool check = false;
    std::optional<bool> agents;
    bool trace = false;
    log::Level level = log::Level::off;
    Plan plan;
    std::string replay;          // options that a replay needs too
};

template <class T>
bool read_number(std::string_view text, T& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc() && end == text.data() + text.size();
}

bool read_scenario(std::string_view text, Scenario& into) {
    if (text == "faults") into = Scenario::faults;
    else if (text == "calm") into = Scenario::calm;
    else if (text == "offline") into = Scenario::offline;
    else return false;
    return true;
}

bool read_option(std::string_view name, std::string_view value, Options& options) {
    if (name == "--seeds") return read_number(value, options.seeds.emplace());
    if (name == "--seed") return read_number(value, options.first);
    if (name == "--jobs") return read_number(value, options.jobs) && options.jobs > 0;
    if (name == "--log") return log::parse_level(value, options.level);
    options.replay += fmt::format(" {} {}", name, value);
    if (name == "--days") return read_number(value, options.days.emplace()) && *options.days > 0;
    if (name == "--scenario") return read_scenario(value, options.plan.scenario);
    if (name == "--agents") {
        options.agents = value == "yes";
        return value == "yes" || value == "no";
    }
    if (name == "--edges") return read_number(value, options.plan.edges) && options.plan.edges > 0;
    if (name == "--faults") return read_number(value, options.plan.faults) && options.plan.faults > 0;
    if (name == "--messages") return read_number(value, options.plan.messages) && options.plan.messages > 0;
    return false;
}

std::optional<Options> read_options(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string_view argument = arguments[i];
        if (argument == "--check") options.check = true;
        else if (argument == "--trace") options.trace = true;
        else if (i + 1 >= count || !read_option(argument, arguments[i + 1], options)) return std::nullopt;
        else {
            if (argument == "--seed" && !options.seeds) options.seeds = 1;
            ++i;
        }
    }
    const double days = options.days.value_or(options.plan.scenario == Scenario::offline ? 30 : 1.0 / 6);
    options.plan.time = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(days * 86'400));
    if (options.plan.scenario == Scenario::offline) {
        options.plan.messages = static_cast<std::size_t>(days * 144);
        if (!options.seeds) options.seeds = 1;
    }
    options.plan.agents = options.agents.value_or(options.plan.scenario != Scenario::offline);
    if (options.trace || options.level != log::Level::off) options.jobs = 1;
    return options;
}

// For a seed that ends the process: the handler says which it was.
thread_local volatile std::uint64_t running_seed = 0;

void say_seed(int number) {
    char text[96];
    const auto end = fmt::format_to_n(text, sizeof text, "\nseed {} ended the process (signal {})\n",
                                      static_cast<std::uint64_t>(running_seed), number);
    static_cast<void>(!::write(STDERR_FILENO, text, std::min(end.size, sizeof text)));
    std::signal(number, SIG_DFL);
    std::raise(number);
}

class Run {
public:
    explicit Run(Options options) : options_(std::move(options)), root_(fmt::format("/dev/shm/selvage-simulate-{}", ::getpid())) {
        if (!std::filesystem::exists("/dev/shm"))
            root_ = fmt::format("{}/selvage-simulate-{}", std::filesystem::temp_directory_path().string(), ::getpid());
    }

    int all() {
        const auto began = std::chrono::steady_clock::now();
        const std::uint64_t last = options_.first + options_.seeds.value_or(100);
        std::atomic<std::uint64_t> next = options_.first;
        const auto work = [&] {
            for (std::uint64_t seed = next++; seed < last; seed = next++) one(seed);
        };
        std::vector<std::thread> helpers;
        for (std::size_t i = 1; i < options_.jobs; ++i) helpers.emplace_back(work);
        work();
        for (auto& helper : helpers) helper.join();
        std::filesystem::remove_all(root_);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        summary(took.count());
        return failed_ == 0 ? 0 : 1;
    }

private:
    Report run(std::uint64_t seed) {
        Plan plan = options_.plan;
        plan.seed = seed;
        plan.folder = fmt::format("{}/{}", root_, seed);
        plan.heap_bytes = apps::heap_bytes_of_this_thread;
        if (options_.trace) plan.on_event = [](const std::string& line) { fmt::print("{}\n", line); };
        running_seed = seed;
        return simulation::run_world(plan);
    }

    void one(std::uint64_t seed) {
        Report report = run(seed);
        if (options_.check)
            if (const Report again = run(seed); again.trace_hash != report.trace_hash)
                report.violations.push_back(
                    fmt::format("a second run went another way: {:016x}, {:016x}", report.trace_hash, again.trace_hash));
        const std::lock_guard lock(mutex_);
        add(report);
        if (options_.seeds == 1) fmt::print("seed {}: trace {:016x} of {} events\n", seed, report.trace_hash, report.events);
        if (report.violations.empty()) return;
        ++failed_;
        fmt::print("seed {} FAILED\n", seed);
        for (const auto& violation : report.violations) fmt::print("    {}\n", violation);
        fmt::print("    replay: ./simulate --seed {}{} --trace\n", seed, options_.replay);
        std::fflush(stdout);
    }

    void add(const Report& report) {
        ++done_;
        hash_ ^= report.trace_hash * (2 * report.seed + 1);     // in whatever order they end
        events_ += report.events;
        messages_ += report.messages;
        repeated_ += report.repeated;
        mail_ += report.mail;
        calls_ += report.calls;
        deployments_ += report.deployments;
        heap_ = std::max(heap_, report.heap_bytes_most);
        time_ += std::chrono::duration<double>(report.time).count();
        for (std::size_t i = 0; i < faults_.size(); ++i) faults_[i] += report.faults[i];
        for (std::size_t i = 0; i < effects_.size(); ++i) effects_[i] += report.effects[i];
    }

    void summary(double seconds) {
        fmt::print("{} seeds, {} failed{}; {:.1f} simulated days in {:.1f} s; {} events, trace {:016x}\n", done_, failed_,
                   options_.check ? ", each run twice" : "", time_ / 86'400, seconds, events_, hash_);
        fmt::print("{} messages ({} arrivals repeated), {} of them to devices and told to be completed, {} method calls answered, "
                   "{} deployments; most memory {:.1f} MiB\n",
                   messages_, repeated_, mail_, calls_, deployments_, static_cast<double>(heap_) / (1 << 20));
        print_counts<simulation::Fault>("faults", faults_);
        print_counts<simulation::Effect>("what they did", effects_);
    }

    // Those of which there is none too, when there are others.
    template <class Kind, std::size_t N>
    static void print_counts(const char* title, const std::array<std::uint64_t, N>& counts) {
        if (std::ranges::all_of(counts, [](std::uint64_t count) { return count == 0; })) return;
        std::string text;
        for (std::size_t i = 0; i < N; ++i)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name(static_cast<Kind>(i)), counts[i]);
        fmt::print("{}: {}\n", title, text);
    }

    Options options_;
    std::string root_;
    std::mutex mutex_;
    std::uint64_t done_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t hash_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t repeated_ = 0;
    std::uint64_t mail_ = 0;
    std::uint64_t calls_ = 0;
    std::uint64_t deployments_ = 0;
    std::size_t heap_ = 0;
    double time_ = 0;
    std::array<std::uint64_t, simulation::kFaultKinds> faults_{};
    simulation::Effects effects_{};
};

}  // namespace

int main(int count, char** arguments) {
    if (count == 2 && std::string_view(arguments[1]) == "--help") {
        std::fputs(kUsage, stdout);
        return 0;
    }
    auto options = read_options(count, arguments);
    if (!options) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    log::start(options->level);
    for (const int number : {SIGABRT, SIGSEGV, SIGBUS}) std::signal(number, say_seed);
    return Run(*std::move(options)).all();
}
