#include "edge/agent/reconciler.h"

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <memory>

#include "async/tests/run.h"
#include "net/http.h"

namespace selvage::edge::agent {
namespace {

using async::Awaitable;
using management::ModuleDetails;
using management::ModuleStatus;

// The daemon's management API over containers that exist here only. What it is asked for lands in `asked`; two gates hold
// answers back, so that a test can put them in the order that it is about.
class FakeDaemon final : public net::Dialer {
public:
    FakeDaemon(async::Executor loop, async::TimeSource& time)
        : create_may_end(loop), list_may_end(loop), loop_(loop), time_(time), connections_(loop) {
        create_may_end.set();
        list_may_end.set();
    }

    Awaitable<Result<std::unique_ptr<net::Stream>>> dial(net::Target, std::chrono::milliseconds) override {
        auto [near, far] = net::make_stream_pair(loop_);
        const auto answer = [this](net::HttpRequest request) { return serve(std::move(request)); };
        connections_.spawn("requests", net::serve_http(std::move(far), time_, {}, answer));
        co_return std::move(near);
    }
    Awaitable<> stop() { return connections_.stop(); }

    long count(std::string_view what) const { return std::count(asked.begin(), asked.end(), what); }

    std::vector<std::string> asked;
    async::Event create_may_end;
    bool stuck = false;            // what is there does not start; another one does
    async::Event list_may_end;     // the answer is as of the question, however late it comes

private:
    Awaitable<net::HttpResponse> serve(net::HttpRequest request) {
        const auto target = net::parse_target(request.target);
        EXPECT_TRUE(target.has_value());
        std::string what = request.method;
        for (const std::string& part : target->path) what += " " + part;
        asked.push_back(what);
        if (what == "GET modules") co_return co_await list();
        if (what == "GET identities") co_return answer(200, JsonObject{{"identities", JsonArray{}}});
        if (what == "POST identities")
            co_return answer(200, JsonObject{{"moduleId", "m"}, {"generationId", "1"}, {"managedBy", "iotedge"}});
        if (what == "PUT identities m")
            co_return answer(200, JsonObject{{"moduleId", "m"}, {"generationId", "1"}, {"managedBy", "iotedge"}});
        if (what == "POST modules") co_return co_await create(request.body);
        if (what == "POST modules m start" && stuck) co_return answer(500, JsonObject{{"message", "task 2bf4: already exists"}});
        if (what == "DELETE modules m") {
            containers_.erase("m");
            stuck = false;
            co_return answer(204, {});
        }
        if (what == "POST modules m start") {
            containers_.at("m").status = ModuleStatus::running;
            containers_.at("m").start_time = time_.utc_now();
            co_return answer(204, {});
        }
        co_return answer(404, JsonObject{{"message", "not made for that: " + what}});
    }

    Awaitable<net::HttpResponse> list() {
        JsonArray modules;
        for (const auto& [name, details] : containers_) modules.emplace_back(management::to_json(details));
        co_await list_may_end.wait();
        co_return answer(200, JsonObject{{"modules", std::move(modules)}});
    }

    Awaitable<net::HttpResponse> create(std::string body) {
        const auto spec = management::parse_module_spec(parse_json(body).value());
        EXPECT_TRUE(spec.has_value());
        if (containers_.contains(spec->name)) co_return answer(409, JsonObject{{"message", "container name is already in use"}});
        ModuleDetails made;
        made.name = spec->name;
        made.image = spec->image;
        made.create_options = spec->create_options;
        made.status = ModuleStatus::stopped;
        containers_[spec->name] = made;
        co_await create_may_end.wait();
        co_return answer(201, management::to_json(made));
    }

    static net::HttpResponse answer(int status, const JsonObject& body) {
        net::HttpResponse response;
        response.status = status;
        if (status != 204) response.body = to_text(body);
        return response;
    }

    async::Executor loop_;
    async::TimeSource& time_;
    std::map<std::string, ModuleDetails> containers_;
    async::TaskGroup connections_;
};

class ReconcilerTest : public ::testing::Test {
protected:
    static manifest::Deployment one_module() {
        manifest::Deployment deployment;
        manifest::Module module;
        module.name = "m";
        module.image = "m:1";
        module.status = manifest::ModuleStatus::running;
        module.restart_policy = manifest::RestartPolicy::always;
        deployment.modules.push_back(module);
        return deployment;
    }
    Awaitable<> pass() { EXPECT_TRUE(co_await reconciler.pass(&deployment, 1)); }
    void run(Awaitable<> task) { async::testing::run(loop, std::move(task)); }
    // Lets the loop work until that has been asked for so often.
    void until_asked(std::string_view what, long times) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (daemon.count(what) < times && std::chrono::steady_clock::now() < limit) step();
        ASSERT_EQ(daemon.count(what), times) << what;
    }
    void until_works_ended(int times) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (ended < times && std::chrono::steady_clock::now() < limit) step();
        ASSERT_EQ(ended, times);
    }
    void step() {
        loop.restart();
        loop.run_one_for(std::chrono::milliseconds(100));
    }
    void TearDown() override {
        run(reconciler.stop());
        run(daemon.stop());
    }

    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), UtcTime(std::chrono::hours(500'000))};
    SeededRandom random{1};
    FakeDaemon daemon{loop.get_executor(), time};
    management::ManagementClient client{daemon, time, "unix:///daemon.sock"};
    int ended = 0;
    Reconciler reconciler{loop.get_executor(), time, random, client, {}, {}, [this] { ++ended; }};
    const manifest::Deployment deployment = one_module();
};

TEST_F(ReconcilerTest, MakesAndStartsWhatIsMissingOnce) {
    run(pass());
    EXPECT_FALSE(reconciler.settled());
    until_works_ended(1);
    run(pass());
    EXPECT_TRUE(reconciler.settled());
    EXPECT_EQ(daemon.count("POST modules"), 1);
    EXPECT_EQ(daemon.count("POST modules m start"), 1);
}

// As Docker does after it was killed at a bad moment.
TEST_F(ReconcilerTest, MakesAModuleAnewThatTheEngineDoesNotStart) {
    daemon.stuck = true;
    run(pass());
    until_works_ended(1);
    EXPECT_EQ(daemon.count("POST modules m start"), 1);
    time.advance(std::chrono::minutes(1));
    run(pass());
    until_works_ended(2);
    EXPECT_EQ(daemon.count("DELETE modules m"), 1);
    EXPECT_EQ(daemon.count("POST modules"), 2);
    run(pass());
    EXPECT_TRUE(reconciler.settled());
}

// The list of containers was asked for before the work ended and came after it: the module is not in it and not busy.
TEST_F(ReconcilerTest, DecidesNothingByAListFromBeforeTheWorkEnded) {
    daemon.create_may_end.reset();
    run(pass());
    until_asked("POST identities", 1);
    daemon.list_may_end.reset();
    bool passed = false;
    async::spawn_root(loop.get_executor(), pass(), [&] { passed = true; });
    until_asked("GET modules", 2);
    daemon.create_may_end.set();
    until_works_ended(1);
    daemon.list_may_end.set();
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!passed && std::chrono::steady_clock::now() < limit) step();
    ASSERT_TRUE(passed);
    EXPECT_EQ(daemon.count("POST modules"), 1) << "made twice";
    EXPECT_TRUE(reconciler.settled());
    EXPECT_EQ(reconciler.errors(), std::vector<std::string>());
}

}  // namespace
}  // namespace selvage::edge::agent
