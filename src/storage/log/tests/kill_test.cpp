// A process that appends is killed at any moment; what it was told to be stored is there.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "storage/log/tests/fixture.h"

namespace selvage::storage::testing {
namespace {

// The child: opens the log, appends numbers from where the log ends, and writes every acknowledged number to the pipe.
[[noreturn]] void append_for_ever(LogSettings settings, int pipe) {
    boost::asio::io_context loop;
    const auto busy = boost::asio::make_work_guard(loop);
    const SystemClock clock;
    auto opened = MessageLog::open(loop.get_executor(), clock, settings);
    if (!opened) ::_exit(3);
    MessageLog& log = **opened;
    const QueueId queue = log.queue("q");
    const QueueId other = log.queue("other");
    const Target both[] = {{queue}, {other}};
    Offset next = log.state(queue).end;
    std::size_t under_way = 0;
    for (;;) {
        while (under_way < 50) {
            std::string payload = std::to_string(next);
            payload.resize(20 + next % 300, ' ');
            ++under_way;
            log.append(std::span(both, next % 3 == 0 ? 2 : 1), payload, [&, number = next](const Result<>& result) {
                --under_way;
                if (!result || ::write(pipe, &number, sizeof number) != sizeof number) ::_exit(4);
                if (number % 100 == 0 && number > 2000) {
                    log.settle(queue, number - 2000);
                    log.settle(other, log.state(other).end);
                }
            });
            ++next;
        }
        loop.restart();
        loop.run_one();
    }
}

struct KillRow {
    const char* name;
    Durability durability;
};
class LogKill : public LogTest, public ::testing::WithParamInterface<KillRow> {};

TEST_P(LogKill, EveryAcknowledgedRecordIsThereInOrder) {
    settings_.durability = GetParam().durability;
    disk_ = std::make_shared<segment::Disk>();
    settings_.segment_bytes = 64 * 1024;
    settings_.disk_bytes_max = 1ull << 30;
    std::mt19937 random(GetParam().durability == Durability::power ? 1 : 2);
    Offset checked = 0;
    for (int round = 0; round < 15; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            ::close(ends[0]);
            append_for_ever(settings_, ends[1]);
        }
        ::close(ends[1]);
        const unsigned kill_after = 1 + random() % 1500;
        Offset number = 0;
        Offset acknowledged = 0;
        unsigned seen = 0;
        while (::read(ends[0], &number, sizeof number) == sizeof number) {
            acknowledged = number + 1;
            if (++seen == kill_after) ::kill(child, SIGKILL);
        }
        ::close(ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);

        open();
        const QueueId queue = log_->queue("q");
        const QueueState state = log_->state(queue);
        EXPECT_GE(state.end, acknowledged);
        EXPECT_LE(state.first, state.cursor);
        Offset expected = state.first;
        for (const std::string& payload : all(queue, state.first)) EXPECT_EQ(std::stoull(payload), expected++);
        EXPECT_EQ(expected, state.end);
        EXPECT_GT(state.end, checked);
        checked = state.end;
        close();
        if (HasFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(Durabilities, LogKill,
                         ::testing::Values(KillRow{"power", Durability::power}, KillRow{"process", Durability::process}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace selvage::storage::testing
