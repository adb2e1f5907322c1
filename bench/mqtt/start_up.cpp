#include "mqtt/start_up.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <csignal>

#include "mqtt/client.h"
#include "mqtt/server_process.h"

namespace selvage::bench {
namespace {

constexpr std::chrono::seconds kStartTimeout{20};
constexpr std::chrono::microseconds kTryEvery{200};

// Between fork and exec only calls that are safe there.
pid_t run_command(std::vector<char*>& arguments, const StartUpPlan& plan) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    if (plan.processor >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(static_cast<unsigned>(plan.processor), &set);
        ::sched_setaffinity(0, sizeof set, &set);
    }
    const int output = ::open(plan.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
}

class StartUpRun {
public:
    explicit StartUpRun(StartUpPlan plan) : plan_(std::move(plan)) {}

    Result<JsonObject> go() {
        SELVAGE_TRY(target_, make_target(plan_.peer));
        SELVAGE_TRY(accounts_, make_accounts(plan_.peer, time_.utc_now()));
        std::vector<char*> arguments;
        for (auto& argument : plan_.command) arguments.push_back(argument.data());
        arguments.push_back(nullptr);
        begin_ = time_.now();
        server_ = run_command(arguments, plan_);
        if (server_ < 0) return fail(from_errno("start " + plan_.command.front(), errno));
        Result<> done;
        async::spawn_root(loop_.get_executor(), first_connack(&done), [this] { loop_.stop(); });
        loop_.run();
        ::kill(server_, SIGTERM);
        ::waitpid(server_, nullptr, 0);
        if (!done) return fail(done.error());
        return std::move(figures_);
    }

private:
    Awaitable<> first_connack(Result<>* outcome) {
        for (;;) {
            Client client(loop_.get_executor());
            const auto connected = co_await client.connect(*dialer_, target_, accounts_.front());
            const auto now = time_.now();
            if (connected) figures_["ms"] = std::chrono::duration<double, std::milli>(now - begin_).count();
            if (connected) figures_["server_cpu_seconds"] = cpu_seconds(server_);
            if (auto memory = memory_of(server_); connected && memory) figures_["memory"] = to_json(*memory);
            co_await client.stop();
            if (connected) co_return;
            if (now - begin_ > kStartTimeout || ::waitpid(server_, nullptr, WNOHANG) != 0) {
                *outcome = fail(connected.error().in("the server did not come up"));
                co_return;
            }
            ignore(co_await time_.sleep_for(kTryEvery), "nobody cancels this");
        }
    }

    StartUpPlan plan_;
    async::SystemTime time_;
    boost::asio::io_context loop_{1};
    std::unique_ptr<net::Dialer> dialer_ = net::make_dialer(time_);
    net::Target target_;
    std::vector<Account> accounts_;
    TimePoint begin_{};
    pid_t server_ = 0;
    JsonObject figures_;
};

}  // namespace

Result<JsonObject> run_start_up(StartUpPlan plan) {
    StartUpRun run(std::move(plan));
    return run.go();
}

}  // namespace selvage::bench
