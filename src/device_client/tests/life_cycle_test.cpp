#include "async/deadline.h"
#include "device_client/tests/fake_hub.h"

namespace selvage::device_client {
namespace {

using namespace std::chrono_literals;
using codec::mqtt::ConnectCode;
using testing::World;

Handlers all_handlers(World& world) {
    Handlers handlers;
    handlers.on_state = [&world](LinkState state, const Error*) { world.states.push_back(state); };
    handlers.on_desired = [](std::int64_t, std::string) {};
    handlers.on_method = [](domain::MethodRequest) -> Awaitable<domain::MethodResponse> { co_return domain::MethodResponse{200, ""}; };
    handlers.on_message = [](domain::Message, std::move_only_function<void()>) {};
    return handlers;
}

TEST(LifeCycle, ConnectsAsItsIdentityAndSubscribesToWhatIsHandledInOnePacket) {
    World world;
    world.settings.product_info = "selvage/1";
    world.start(all_handlers(world));
    ASSERT_EQ(world.hub.ends.size(), 1u);
    const auto& end = world.hub.last();
    ASSERT_TRUE(end.connect);
    EXPECT_EQ(end.connect->client_id, "d1/m1");
    EXPECT_EQ(end.connect->username, "hub.example/d1/m1/?api-version=2021-04-12&DeviceClientType=selvage%2F1");
    EXPECT_EQ(end.connect->password, "token 1");
    EXPECT_FALSE(end.connect->clean_session);
    EXPECT_EQ(end.connect->keep_alive_seconds, 60);
    EXPECT_EQ(world.tokens.resources, std::vector<std::string>{"hub.example/devices/d1/modules/m1"});
    EXPECT_EQ(world.tokens.expiries.front(), world.time.utc_now() + 3600s);
    std::vector<std::string> filters;
    for (const auto& filter : end.filters) filters.push_back(filter.filter);
    EXPECT_EQ(filters, (std::vector<std::string>{"$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#",
                                                 "$iothub/methods/POST/#", "devices/d1/modules/m1/inputs/#"}));
    EXPECT_EQ(world.states, std::vector<LinkState>{LinkState::connected});
    EXPECT_EQ(world.client->state(), LinkState::connected);
}

TEST(LifeCycle, OnBehalfOfAnotherTheTokenIsThatOfTheActor) {
    World world;
    world.settings.identity = domain::Identity::of_device("leaf");
    world.settings.token_identity = domain::Identity::of_module("edge", "$edgeHub");
    world.settings.auth_chain = "leaf;edge";
    world.start();
    EXPECT_EQ(world.tokens.resources.front(), "hub.example/devices/edge/modules/%24edgeHub");
    const auto& end = world.hub.last();
    EXPECT_NE(end.connect->username->find("auth-chain=leaf%3Bedge"), std::string::npos) << *end.connect->username;
    ASSERT_EQ(end.filters.size(), 1u);
}

TEST(LifeCycle, ALostConnectionIsMadeAgainAfterAShortWait) {
    World world;
    world.start();
    world.pass(60s);
    world.hub.drop(world.hub.last());
    world.settle();
    EXPECT_EQ(world.client->state(), LinkState::connecting);
    world.pass(1s);
    EXPECT_EQ(world.hub.ends.size(), 2u);
    EXPECT_EQ(world.states, (std::vector<LinkState>{LinkState::connected, LinkState::connecting, LinkState::connected}));
    ASSERT_EQ(world.losses.size(), 1u);
    EXPECT_EQ(world.losses[0].code, Errc::connection_closed);
}

TEST(LifeCycle, WaitsGrowToAMinuteWhileNobodyAnswersAndStartAnewAfterASteadyConnection) {
    World world;
    world.hub.reachable = false;
    world.start();
    world.pass(1h);
    const auto tries = world.hub.targets.size();
    EXPECT_GT(tries, 70u);      // a random part of 60 s is 30 s on the average: about 120 in an hour
    EXPECT_LT(tries, 200u);
    world.hub.reachable = true;
    world.pass(60s);
    ASSERT_EQ(world.client->state(), LinkState::connected);
    world.pass(31s);
    world.hub.drop(world.hub.last());
    world.pass(1s);
    EXPECT_EQ(world.client->state(), LinkState::connected);
}

TEST(LifeCycle, ARefusalIsRetriedWithGrowingWaits) {
    World world;
    world.hub.connect_code = ConnectCode::not_authorized;
    world.start();
    world.pass(1s);
    const auto early = world.hub.ends.size();
    EXPECT_GE(early, 2u);
    world.pass(1h);
    EXPECT_LT(world.hub.ends.size(), 200u);
    EXPECT_TRUE(world.states.empty());
    EXPECT_EQ(world.tokens.resources.size(), world.hub.ends.size()) << "a fresh token for each attempt";
    world.hub.connect_code = ConnectCode::accepted;
    world.pass(61s);
    EXPECT_EQ(world.client->state(), LinkState::connected);
}

TEST(LifeCycle, ARefusedSubscriptionIsNoConnection) {
    World world;
    world.hub.suback_code = 0x80;
    world.start();
    world.pass(10s);
    EXPECT_TRUE(world.states.empty());
    EXPECT_GE(world.hub.ends.size(), 2u);
}

TEST(LifeCycle, ATokenIsRenewedBeforeItExpiresWithoutLosingMessages) {
    std::vector<codec::mqtt::Puback> owed;
    std::vector<bool> results;
    World world;
    world.settings.token_lifetime = 1000s;
    world.hub.on_publish = [&](testing::HubEnd&, const testing::Published& published) { owed.push_back({published.packet_id}); };
    world.start();
    ASSERT_TRUE(world.client->send(testing::message("x"), [&](const Result<>& done) { results.push_back(done.has_value()); }));
    world.pass(799s);
    EXPECT_EQ(world.hub.ends.size(), 1u);
    world.pass(2s);
    EXPECT_EQ(world.hub.ends.size(), 1u) << "drains first";
    EXPECT_FALSE(world.client->send(testing::message("y"), [](const Result<>&) {}));
    const auto first = world.hub.ends.front();
    world.hub.send(*first, owed.front());
    world.settle();
    EXPECT_EQ(results, std::vector<bool>{true});
    EXPECT_TRUE(first->said_goodbye);
    ASSERT_EQ(world.hub.ends.size(), 2u) << "at once, without a wait";
    EXPECT_EQ(world.hub.last().connect->password, "token 2");
    EXPECT_EQ(world.client->state(), LinkState::connected);
}

TEST(LifeCycle, WithoutANewTokenTheOldConnectionStays) {
    World world;
    world.settings.token_lifetime = 1000s;
    world.start();
    world.tokens.broken = true;
    world.pass(950s);
    EXPECT_EQ(world.hub.ends.size(), 1u);
    EXPECT_EQ(world.client->state(), LinkState::connected);
    world.tokens.broken = false;
    world.pass(50s);
    EXPECT_EQ(world.hub.ends.size(), 2u);
}

TEST(LifeCycle, NoTokenIsAskedForWhileTheHubCannotBeReached) {
    World world;
    world.hub.reachable = false;
    world.start();
    world.pass(3600s);
    EXPECT_GE(world.hub.targets.size(), 60u);
    EXPECT_EQ(world.tokens.resources.size(), 0u);
    world.hub.reachable = true;
    world.pass(61s);
    EXPECT_EQ(world.client->state(), LinkState::connected);
    EXPECT_EQ(world.tokens.resources.size(), 1u);
}

TEST(LifeCycle, ATokenFetchedForARenewalIsNotUsedWhenItHasGrownOld) {
    World world;
    world.settings.token_lifetime = 1000s;
    world.start();
    world.pass(799s);
    world.hub.reachable = false;
    world.pass(5000s);
    world.hub.reachable = true;
    world.pass(61s);
    ASSERT_EQ(world.client->state(), LinkState::connected);
    EXPECT_EQ(world.hub.last().connect->password, "token 3") << "the second was for the renewal at 800 s";
}

TEST(LifeCycle, APeerThatAnswersNoPingIsGivenUp) {
    World world;
    world.start();
    world.pass(600s);
    EXPECT_EQ(world.hub.ends.size(), 1u);
    EXPECT_GE(world.hub.last().pings, 10);
    EXPECT_LE(world.hub.last().pings, 14);
    world.hub.answers_pings = false;
    world.pass(80s);
    EXPECT_EQ(world.hub.ends.size(), 2u);
    EXPECT_EQ(world.losses.front().code, Errc::timeout);
}

TEST(LifeCycle, AHubThatNeverAnswersTheConnectIsGivenUpAfterHalfAMinute) {
    World world;
    // A stream whose far end nobody reads.
    class Deaf final : public net::Dialer {
    public:
        explicit Deaf(boost::asio::io_context& loop) : loop_(loop) {}
        Awaitable<Result<std::unique_ptr<net::Stream>>> dial(net::Target, std::chrono::milliseconds) override {
            auto pair = net::make_stream_pair(loop_.get_executor());
            far_ends.push_back(std::move(pair.second));
            co_return std::move(pair.first);
        }
        std::vector<std::unique_ptr<net::Stream>> far_ends;

    private:
        boost::asio::io_context& loop_;
    } deaf(world.loop);
    world.client = std::make_unique<DeviceClient>(world.loop.get_executor(), world.time, world.random, deaf, world.tokens,
                                                  world.settings, Handlers{});
    world.client->start();
    world.pass(29s);
    EXPECT_EQ(deaf.far_ends.size(), 1u);
    world.pass(3s);
    EXPECT_EQ(deaf.far_ends.size(), 2u);
    const auto end = [&]() -> Awaitable<> { co_await world.client->stop(); };
    async::testing::run(world.loop, end());
    world.client.reset();
}

TEST(LifeCycle, StopSaysGoodbyeAndWakesAllWhoWait) {
    World world;
    world.start();
    int woken = 0;
    const auto body = [&]() -> Awaitable<> {
        async::TaskGroup waiters(world.loop.get_executor());
        world.hub.reachable = false;
        co_await world.client->stop();
        EXPECT_FALSE(co_await world.client->connected());
        EXPECT_FALSE(co_await world.client->room());
        ++woken;
        co_await waiters.stop();
    };
    async::testing::run(world.loop, body());
    EXPECT_EQ(woken, 1);
    world.settle();
    EXPECT_TRUE(world.hub.last().said_goodbye);
    EXPECT_EQ(world.client->state(), LinkState::stopped);
    EXPECT_EQ(world.states.back(), LinkState::stopped);
    EXPECT_FALSE(world.client->send(testing::message("x"), [](const Result<>&) {}));
}

Awaitable<> stop_it(DeviceClient* client, bool* done) {
    co_await client->stop();
    *done = true;
}

// Whatever the client was about to do: a stop may come between the end of one wait and the beginning of the next.
TEST(LifeCycle, StopEndsItAtOnceAtEveryStepOfConnecting) {
    for (int steps = 0; steps < 60; ++steps) {
        World world;
        world.client = std::make_unique<DeviceClient>(world.loop.get_executor(), world.time, world.random, world.hub,
                                                      world.tokens, world.settings, Handlers{});
        world.client->start();
        world.loop.restart();
        for (int i = 0; i < steps; ++i) world.loop.poll_one();
        async::TaskGroup others(world.loop.get_executor());
        bool stopped = false;
        others.spawn("stop", stop_it(world.client.get(), &stopped));
        world.pass(2s);
        EXPECT_TRUE(stopped) << "after " << steps << " steps";
        if (!stopped) world.pass(2h);
        EXPECT_EQ(world.client->state(), LinkState::stopped);
    }
}

Awaitable<> wait_for_room(DeviceClient* client, int* done) {
    const bool room = co_await client->room();
    *done += room ? 1 : 100;
}

TEST(LifeCycle, StopWakesThoseWhoWaitForRoomEvenIfTheClientGoesAtOnce) {
    World world;
    world.hub.reachable = false;
    world.start();
    int done = 0;
    async::TaskGroup waiters(world.loop.get_executor());
    waiters.spawn("waiter", wait_for_room(world.client.get(), &done));
    world.settle();
    const auto body = [&]() -> Awaitable<> {
        co_await world.client->stop();
        world.client.reset();
    };
    async::testing::run(world.loop, body());
    world.settle();
    EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace selvage::device_client
