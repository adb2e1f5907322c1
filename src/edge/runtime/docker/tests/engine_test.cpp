// Against the real engine at SELVAGE_TEST_DOCKER (unix:///path of its socket); skipped where that is not set. Makes an image from
// a program of its own, so it needs no registry, and removes what it made.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "async/blocking_pool.h"
#include "async/tests/run.h"
#include "base/encoding.h"
#include "base/file.h"
#include "edge/management/log_frames.h"
#include "edge/runtime/docker/container_processes.h"
#include "edge/runtime/docker/describe.h"
#include "edge/runtime/docker/docker_runtime.h"
#include "edge/runtime/docker/engine_client.h"

namespace selvage::edge::runtime {
namespace {

using management::ModuleStatus;

// A tar archive with one executable file, /module.
std::string tar_of(const std::string& program) {
    std::string header(512, '\0');
    const auto put = [&header](std::size_t at, std::string_view text) { header.replace(at, text.size(), text); };
    put(0, "module");
    put(100, "0000755");
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", program.size()));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, std::string_view("ustar\00000", 8));
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum));
    header[154] = '\0';
    return header + program + std::string((512 - program.size() % 512) % 512 + 1024, '\0');
}

class EngineTest : public ::testing::Test {
protected:
    void SetUp() override {
        const char* uri = std::getenv("SELVAGE_TEST_DOCKER");
        if (uri == nullptr) GTEST_SKIP() << "SELVAGE_TEST_DOCKER is not set";
        settings_.engine_path = std::string(uri).substr(std::string_view("unix://").size());
        settings_.network_name = fmt::format("selvage-test-{}", ::getpid());
        name_ = fmt::format("selvageTest{}", ::getpid());
        runtime_ = make_docker_runtime(*dialer_, time_, blocking_, settings_);
        engine_ = std::make_unique<EngineClient>(*dialer_, time_, settings_.engine_path);
        async::testing::run(loop_, import_image(), std::chrono::seconds(60));
    }
    void TearDown() override {
        if (engine_) async::testing::run(loop_, clean_up(), std::chrono::seconds(60));
    }

    async::Awaitable<> import_image() {
        EngineRequest request;
        request.method = "POST";
        request.target = "/images/create?fromSrc=-&repo=selvage-test/module&tag=1&changes=" + percent_encode("ENTRYPOINT [\"/module\"]");
        request.body = tar_of(*read_file(SELVAGE_TEST_MODULE, 64 << 20));
        auto done = co_await engine_->stream(std::move(request), [](std::string_view) -> async::Awaitable<bool> { co_return true; });
        EXPECT_TRUE(done) << done.error().detail;
    }
    async::Awaitable<> clean_up() {
        ignore(co_await runtime_->remove(name_), "it may not have been made");
        for (const std::string& target : {"/networks/" + settings_.network_name, std::string("/images/selvage-test/module:1?force=true")}) {
            EngineRequest request;
            request.method = "DELETE";
            request.target = target;
            ignore(co_await engine_->call(std::move(request)), "it may not have been made");
        }
    }
    management::ModuleSpec spec() const {
        management::ModuleSpec spec;
        spec.name = name_;
        spec.image = "selvage-test/module:1";
        spec.image_pull_policy = management::ImagePullPolicy::never;
        return spec;
    }
    void run(async::Awaitable<> task) { async::testing::run(loop_, std::move(task), std::chrono::seconds(60)); }

    boost::asio::io_context loop_;
    async::SystemTime time_;
    async::BlockingPool blocking_{"engine test", 2};
    std::unique_ptr<net::Dialer> dialer_ = net::make_dialer(time_);
    DockerSettings settings_;
    std::unique_ptr<ModuleRuntime> runtime_;
    std::unique_ptr<EngineClient> engine_;
    std::string name_;
};

TEST_F(EngineTest, RunsAModuleFromCreationToRemoval) {
    run([](ModuleRuntime& runtime, management::ModuleSpec spec) -> async::Awaitable<> {
        const std::string name = spec.name;
        auto done = co_await runtime.prepare();
        EXPECT_TRUE(done) << done.error().detail;
        done = co_await runtime.prepare();
        EXPECT_TRUE(done) << "a second time: " << done.error().detail;
        spec.env = {{"A", "1"}};
        done = co_await runtime.create(spec);
        EXPECT_TRUE(done) << done.error().detail;
        auto details = co_await runtime.inspect(name);
        EXPECT_EQ(details->status, ModuleStatus::stopped);
        EXPECT_EQ(details->image, "selvage-test/module:1");
        EXPECT_TRUE(details->image_hash.starts_with("sha256:"));
        auto processes = co_await runtime.processes(name);
        EXPECT_FALSE(processes) << "it does not run";

        done = co_await runtime.start(name);
        EXPECT_TRUE(done) << done.error().detail;
        done = co_await runtime.start(name);
        EXPECT_TRUE(done) << "running already: " << done.error().detail;
        auto list = co_await runtime.list();
        EXPECT_TRUE(list && std::ranges::any_of(*list, [&](const auto& m) { return m.name == name && m.status == ModuleStatus::running; }));
        processes = co_await runtime.processes(name);
        EXPECT_TRUE(processes) << processes.error().detail;
        EXPECT_EQ(processes->size(), 1u);
        const auto beside = processes_beside(processes->at(0));
        EXPECT_TRUE(beside && *beside == *processes) << "control groups know the same ones";

        done = co_await runtime.stop(name, std::chrono::seconds(5));
        EXPECT_TRUE(done) << done.error().detail;
        details = co_await runtime.inspect(name);
        EXPECT_EQ(details->status, ModuleStatus::stopped);
        EXPECT_EQ(details->exit_code, 0);
        done = co_await runtime.remove(name);
        EXPECT_TRUE(done) << done.error().detail;
        details = co_await runtime.inspect(name);
        EXPECT_FALSE(details);
        if (!details) EXPECT_EQ(details.error().code, Errc::not_found);
    }(*runtime_, spec()));
}

TEST_F(EngineTest, StreamsLogsOfBothKinds) {
    run([](ModuleRuntime& runtime, management::ModuleSpec spec) -> async::Awaitable<> {
        spec.create_options["Cmd"] = JsonArray{"fail"};
        EXPECT_TRUE(co_await runtime.create(spec));
        EXPECT_TRUE(co_await runtime.start(spec.name));
        std::string text;
        std::string errors;
        management::LogFrames frames;
        management::LogQuery query;
        query.follow = true;
        auto done = co_await runtime.logs(spec.name, query, [&](std::string_view part) -> async::Awaitable<bool> {
            for (const auto& piece : frames.feed(part)) (piece.is_error ? errors : text) += piece.text;
            co_return true;
        });
        EXPECT_TRUE(done) << done.error().detail;
        EXPECT_EQ(text, "first\n");
        EXPECT_EQ(errors, "second\n");
        auto details = co_await runtime.inspect(spec.name);
        EXPECT_EQ(details->status, ModuleStatus::failed);
        EXPECT_EQ(details->exit_code, 3);
        query.follow = false;
        done = co_await runtime.logs("no-such-container", query, [](std::string_view) -> async::Awaitable<bool> {
            ADD_FAILURE() << "an error is not a log";
            co_return true;
        });
        EXPECT_FALSE(done);
        if (!done) EXPECT_EQ(done.error().code, Errc::not_found);
    }(*runtime_, spec()));
}

TEST_F(EngineTest, UsesTheImageThatIsHereWhenThePullFails) {
    run([](ModuleRuntime& runtime, management::ModuleSpec spec) -> async::Awaitable<> {
        spec.image_pull_policy = management::ImagePullPolicy::on_create;
        spec.image = "selvage-test/module:1";
        auto pulled = co_await runtime.pull(spec);
        EXPECT_TRUE(pulled) << pulled.error().detail;
        // Nothing listens on port 1 of this machine.
        spec.image = "127.0.0.1:1/nothing:1";
        pulled = co_await runtime.pull(spec);
        EXPECT_FALSE(pulled);
        if (!pulled) EXPECT_NE(pulled.error().detail.find("127.0.0.1:1"), std::string::npos) << pulled.error().detail;
        spec.image_pull_policy = management::ImagePullPolicy::never;
        EXPECT_TRUE(co_await runtime.pull(spec));
        auto created = co_await runtime.create(spec);
        EXPECT_FALSE(created);
        if (!created) EXPECT_EQ(created.error().code, Errc::not_found) << created.error().detail;
    }(*runtime_, spec()));
}

TEST_F(EngineTest, ShowsARunningModuleTheNewFileBehindAMount) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    std::string pattern = (std::filesystem::temp_directory_path() / "selvage-mount-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    const std::string path = pattern + "/m.sock";
    ASSERT_TRUE(replace_file(path, "old"));
    run([](ModuleRuntime& runtime, management::ModuleSpec spec, std::string file) -> async::Awaitable<> {
        spec.create_options["HostConfig"] = JsonObject{{"Binds", JsonArray{Json(file + ":/inside/m.sock")}}};
        EXPECT_TRUE(co_await runtime.create(spec));
        EXPECT_TRUE(co_await runtime.start(spec.name));
        auto processes = co_await runtime.processes(spec.name);
        if (!processes) co_return ADD_FAILURE() << processes.error().detail;
        const std::string inside = fmt::format("/proc/{}/root/inside/m.sock", processes->at(0));
        EXPECT_TRUE(replace_file(file, "new"));   // another file under the same name
        EXPECT_EQ(*read_file(inside), "old");
        auto shown = co_await runtime.refresh_mount(spec.name, file);
        EXPECT_TRUE(shown) << shown.error().detail;
        EXPECT_EQ(*read_file(inside), "new");
        shown = co_await runtime.refresh_mount(spec.name, file);
        EXPECT_TRUE(shown) << "nothing to do";
        shown = co_await runtime.refresh_mount(spec.name, "/not/mounted");
        EXPECT_TRUE(shown) << "nothing to do";
    }(*runtime_, spec(), path));
    std::filesystem::remove_all(pattern);
}

TEST(EngineAway, IsSaidWithItsPlace) {
    boost::asio::io_context loop;
    async::SystemTime time;
    async::BlockingPool blocking("test", 1);
    const auto dialer = net::make_dialer(time);
    DockerSettings settings;
    settings.engine_path = "/nonexistent/docker.sock";
    const auto runtime = make_docker_runtime(*dialer, time, blocking, settings);
    async::testing::run(loop, [](ModuleRuntime& engine) -> async::Awaitable<> {
        auto list = co_await engine.list();
        EXPECT_FALSE(list);
        EXPECT_EQ(list.error().code, Errc::unavailable);
        EXPECT_NE(list.error().detail.find("/nonexistent/docker.sock"), std::string::npos) << list.error().detail;
    }(*runtime));
}

}  // namespace
}  // namespace selvage::edge::runtime
