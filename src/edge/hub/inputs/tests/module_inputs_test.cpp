// Module inputs over the real log, with a receiver that settles as the test says.
#include "edge/hub/inputs/module_inputs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/tests/run.h"
#include "base/random.h"

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;
using hub_api::Outcome;

class Receiver final : public InputReceiver {
public:
    struct Got {
        std::uint64_t ticket;
        std::uint32_t delivery_count;
        std::string body;
    };
    void deliver_input(std::uint64_t ticket, std::uint32_t delivery_count, domain::Message message) override {
        EXPECT_EQ(message.get(domain::SystemProperty::output_name), std::nullopt);
        inputs.push_back(std::string(message.get(domain::SystemProperty::input_name).value_or("none")));
        got.push_back({ticket, delivery_count, message.body});
    }
    std::vector<std::string> bodies() const {
        std::vector<std::string> all;
        for (const auto& each : got) all.push_back(each.body);
        return all;
    }
    std::vector<Got> got;
    std::vector<std::string> inputs;
};

class ModuleInputsTest : public ::testing::Test {
protected:
    ModuleInputsTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-inputs-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        log_ = *storage::MessageLog::open(loop_.get_executor(), time_,
                                          {.folder = folder_ + "/log", .durability = storage::Durability::process});
        inputs_ = std::make_unique<ModuleInputs>(
            ModuleEndpoint::Parts{.loop = loop_.get_executor(), .time = time_, .log = *log_, .counters = counters_});
        add("in", query::kDefaultPriority);
        inputs_->start();
    }
    ~ModuleInputsTest() override {
        async::testing::run(loop_, inputs_->stop());
        async::testing::run(loop_, log_->stop());
        inputs_.reset();
        log_.reset();
        std::filesystem::remove_all(folder_);
    }
    storage::QueueId add(const std::string& input, std::uint32_t priority) {
        const QueueAddress address{query::ModuleInputSink{"m", input}, priority};
        const auto id = log_->queue(queue_name(address, "edge"));
        inputs_->add_queue({id, address});
        return id;
    }
    void append(std::string body, const char* queue = "edge/m/in") {
        domain::Message message;
        message.body = std::move(body);
        message.set(domain::SystemProperty::output_name, "o");
        std::string record;
        domain::append_record(message, record);
        const storage::Target target{log_->queue(queue)};
        log_->append({&target, 1}, record, [](const Result<>&) {});
    }
    void turns(int count = 30) {
        for (int i = 0; i < count; ++i) {
            loop_.restart();
            loop_.run_one_for(1ms);
        }
    }
    void until(const std::function<bool()>& condition) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (!condition() && std::chrono::steady_clock::now() < limit) turns(1);
        ASSERT_TRUE(condition());
    }
    storage::Offset cursor() { return log_->state(log_->queue("edge/m/in")).cursor; }

    std::string folder_;
    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), UtcTime(1'700'000'000'000ms)};
    HubCounters counters_;
    std::unique_ptr<storage::MessageLog> log_;
    std::unique_ptr<ModuleInputs> inputs_;
    Receiver receiver_;
};

TEST_F(ModuleInputsTest, DeliversWithinTheWindowAndSettlesInAnyOrder) {
    for (const auto* body : {"0", "1", "2", "3"}) append(body);
    inputs_->listen("m", &receiver_, 2);
    until([&] { return receiver_.got.size() == 2; });
    turns();
    EXPECT_EQ(receiver_.got.size(), 2u);
    EXPECT_EQ(receiver_.inputs.front(), "in");
    EXPECT_TRUE(inputs_->settle("m", receiver_.got[1].ticket, Outcome::completed));
    EXPECT_FALSE(inputs_->settle("m", receiver_.got[1].ticket, Outcome::completed));
    until([&] { return receiver_.got.size() == 3; });
    EXPECT_EQ(cursor(), 0u);
    EXPECT_TRUE(inputs_->settle("m", receiver_.got[0].ticket, Outcome::completed));
    until([&] { return cursor() == 2; });
}

TEST_F(ModuleInputsTest, WhatAConnectionDidNotSettleGoesToTheNextInOrder) {
    for (const auto* body : {"0", "1", "2"}) append(body);
    inputs_->listen("m", &receiver_, 10);
    until([&] { return receiver_.got.size() == 3; });
    inputs_->settle("m", receiver_.got[1].ticket, Outcome::completed);
    inputs_->detach("m", &receiver_);
    EXPECT_FALSE(inputs_->settle("m", receiver_.got[0].ticket, Outcome::completed));
    append("3");
    Receiver next;
    inputs_->listen("m", &next, 10);
    until([&] { return next.got.size() == 3; });
    const std::vector<std::string> again{"0", "2", "3"};
    EXPECT_EQ(next.bodies(), again);
    EXPECT_EQ(next.got[0].delivery_count, 1u);
    EXPECT_EQ(next.got[2].delivery_count, 0u);
    inputs_->detach("m", &next);
}

TEST_F(ModuleInputsTest, AbandonedGoesOutAgainAndRejectedIsDroppedAndCounted) {
    for (const auto* body : {"0", "1"}) append(body);
    inputs_->listen("m", &receiver_, 10);
    until([&] { return receiver_.got.size() == 2; });
    inputs_->settle("m", receiver_.got[0].ticket, Outcome::abandoned);
    until([&] { return receiver_.got.size() == 3; });
    EXPECT_EQ(receiver_.got[2].body, "0");
    inputs_->settle("m", receiver_.got[1].ticket, Outcome::rejected);
    inputs_->settle("m", receiver_.got[2].ticket, Outcome::completed);
    until([&] { return cursor() == 2; });
    EXPECT_EQ(counters_.messages_dropped_invalid, 1u);
    inputs_->detach("m", &receiver_);
}

TEST_F(ModuleInputsTest, OneConnectionGetsAgainWhatItGaveBackAndNothingElse) {
    SeededRandom random(5);
    constexpr int kMessages = 200;
    std::map<std::string, std::uint32_t> given_back;
    std::set<std::string> out;    // with the connection now
    std::set<std::string> completed;
    std::vector<Receiver::Got> held;
    std::size_t seen = 0;
    int appended = 0;
    const auto take = [&] {
        for (; seen < receiver_.got.size(); ++seen) {
            const auto& got = receiver_.got[seen];
            EXPECT_FALSE(completed.contains(got.body)) << got.body << " came after it was completed";
            EXPECT_TRUE(out.insert(got.body).second) << got.body << " came while it was out";
            EXPECT_EQ(got.delivery_count, given_back[got.body]) << got.body;
            held.push_back(got);
        }
    };
    inputs_->listen("m", &receiver_, 7);
    for (int step = 0; step < 20'000 && completed.size() < kMessages; ++step) {
        take();
        if (appended < kMessages && random.next() % 4 == 0) append(std::to_string(appended++));
        // Between any two turns of the loop, so that a read of the log is often under way.
        if (!held.empty() && random.next() % 2 == 0) {
            const auto at = held.begin() + static_cast<std::ptrdiff_t>(random.next() % held.size());
            const auto got = *at;
            held.erase(at);
            out.erase(got.body);
            const bool back = random.next() % 3 == 0;
            EXPECT_TRUE(inputs_->settle("m", got.ticket, back ? Outcome::abandoned : Outcome::completed));
            if (back) ++given_back[got.body];
            else completed.insert(got.body);
        }
        turns(1);
    }
    EXPECT_EQ(completed.size(), static_cast<std::size_t>(kMessages));
    until([&] { return cursor() == kMessages; });
    turns();
    take();
    EXPECT_TRUE(out.empty());
    inputs_->detach("m", &receiver_);
}

TEST_F(ModuleInputsTest, AnUrgentQueueGoesFirstAndANewMessageWakesTheModuleAtOnce) {
    add("in", 0);
    for (const auto* body : {"slow 0", "slow 1"}) append(body);
    append("urgent", "edge/m/in_Pri0");
    turns();
    inputs_->listen("m", &receiver_, 1);
    until([&] { return receiver_.got.size() == 1; });
    EXPECT_EQ(receiver_.got[0].body, "urgent");
    inputs_->listen("m", &receiver_, 10);
    until([&] { return receiver_.got.size() == 3; });
    append("later");
    until([&] { return receiver_.got.size() == 4; });
    inputs_->detach("m", &receiver_);
}

TEST_F(ModuleInputsTest, NothingIsLostUnderRandomDisconnects) {
    SeededRandom random(3);
    std::set<std::string> completed;
    auto current = std::make_unique<Receiver>();
    inputs_->listen("m", current.get(), 4);
    int appended = 0;
    std::size_t open = 0;
    for (int step = 0; step < 3000; ++step) {
        switch (random.next() % 6) {
            case 0:
                if (appended < 300) append(std::to_string(appended++));
                break;
            case 1:
            case 2:
                if (open < current->got.size()) {
                    const auto& next = current->got[open++];
                    inputs_->settle("m", next.ticket, Outcome::completed);
                    completed.insert(next.body);
                }
                break;
            case 3:
                if (random.next() % 20 == 0) {
                    inputs_->detach("m", current.get());
                    current = std::make_unique<Receiver>();
                    open = 0;
                    inputs_->listen("m", current.get(), 1 + random.next() % 6);
                }
                break;
            default: turns(1);
        }
    }
    until([&] {
        while (open < current->got.size()) {
            const auto next = current->got[open++];
            completed.insert(next.body);
            inputs_->settle("m", next.ticket, Outcome::completed);
        }
        return cursor() == static_cast<storage::Offset>(appended);
    });
    EXPECT_EQ(completed.size(), static_cast<std::size_t>(appended));
    inputs_->detach("m", current.get());
}

}  // namespace
}  // namespace selvage::edge::hub
