// A message that was taken is there after kill -9, and one that was ended does not come back.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "async/tests/run.h"
#include "storage/sqlite/sqlite_stores.h"
#include "storage/sqlite/tests/store_folder.h"

namespace selvage::storage {
namespace {

using async::Awaitable;

constexpr std::size_t kReports = 300;
constexpr UtcTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};

// What the store has said yes to: a message put (positive) or ended (negative), by its sequence number.
using Report = std::int64_t;

// Every third message is ended again.
Awaitable<> send_for_ever(MailboxStore& store, std::string device, int report) {
    const auto tell = [report](Report what) {
        if (::write(report, &what, sizeof what) != sizeof what) ::_exit(1);
    };
    for (int i = 0;; ++i) {
        Mail mail{.record = std::string(500, 'v'), .message_id = "m", .feedback_on_success = true,
                  .enqueued = kNow, .expires = kNow + std::chrono::hours(1)};
        const auto sequence = co_await store.put({device, "1"}, std::move(mail), 1'000'000);
        if (!sequence) ::_exit(1);
        tell(*sequence);
        if (i % 3 != 0) continue;
        if (!co_await store.end(*sequence, MailEnd::success, kNow)) ::_exit(1);
        tell(-*sequence);
    }
}

[[noreturn]] void child(const std::string& path, int report) {
    auto store = open_sqlite_mailbox_store({.path = path});
    if (!store) ::_exit(2);
    boost::asio::io_context loop;
    async::TaskGroup group(loop.get_executor());
    for (const char* device : {"a", "b", "c", "d"}) group.spawn("send", send_for_ever(**store, device, report));
    loop.run();
    ::_exit(3);
}

Awaitable<> check(MailboxStore& store, std::vector<Report> reports) {
    std::set<Report> waiting;
    for (const char* device : {"a", "b", "c", "d"}) {
        const auto mails = co_await store.next({device, "1"}, {}, kNow, 1'000'000, std::size_t{1} << 40);
        if (!mails) co_return ADD_FAILURE() << mails.error().detail;
        for (const auto& mail : *mails) waiting.insert(mail.sequence);
    }
    const auto records = co_await store.feedback({}, kNow, 1'000'000);
    const auto ended = std::ranges::count_if(reports, [](Report one) { return one < 0; });
    EXPECT_GE(records.value().size(), static_cast<std::size_t>(ended)) << "an end without its feedback";
    for (const Report one : reports) {
        if (one < 0) {
            EXPECT_FALSE(waiting.contains(-one)) << "message " << -one << " came back";
        } else if (std::ranges::find(reports, -one) == reports.end() && !waiting.contains(one)) {
            // Ended without a report: then there is feedback for it.
            EXPECT_GT(records->size(), static_cast<std::size_t>(ended)) << "message " << one << " is lost";
        }
    }
    EXPECT_LE(records->size(), static_cast<std::size_t>(ended) + 4) << "each sender had one end under way at most";
    co_await store.stop();
}

TEST(MailboxStoreCrash, AcknowledgedMessagesAndEndsSurviveKill9) {
    const testing::StoreFolder folder;
    const std::string path = folder.file("mail.db");
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t writer = ::fork();
    ASSERT_GE(writer, 0);
    if (writer == 0) child(path, ends[1]);
    ::close(ends[1]);
    std::vector<Report> reports;
    Report one = 0;
    while (reports.size() < kReports && ::read(ends[0], &one, sizeof one) == sizeof one) reports.push_back(one);
    ::kill(writer, SIGKILL);
    while (::read(ends[0], &one, sizeof one) == sizeof one) reports.push_back(one);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(writer, &status, 0), writer);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);
    ASSERT_GE(reports.size(), kReports);

    auto store = open_sqlite_mailbox_store({.path = path});
    ASSERT_TRUE(store) << store.error().detail;
    boost::asio::io_context loop;
    async::testing::run(loop, check(**store, std::move(reports)));
}

}  // namespace
}  // namespace selvage::storage
