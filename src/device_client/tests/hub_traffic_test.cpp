#include "codec/hub_mqtt/hub_mqtt.h"
#include "device_client/tests/fake_hub.h"

namespace selvage::device_client {
namespace {

using namespace std::chrono_literals;
using namespace codec;
using testing::HubEnd;
using testing::Published;
using testing::World;

// Runs one call of the client while the world goes on, time included.
template <class T>
Result<T> wait_for(World& world, Awaitable<Result<T>> call, Duration time = 0s) {
    std::optional<Result<T>> result;
    const auto keep = [](Awaitable<Result<T>> op, std::optional<Result<T>>* out) -> Awaitable<> { *out = co_await std::move(op); };
    async::TaskGroup tasks(world.loop.get_executor());
    tasks.spawn("call", keep(std::move(call), &result));
    world.pass(time);
    const auto stop = [&]() -> Awaitable<> { co_await tasks.stop(); };
    async::testing::run(world.loop, stop());
    return result ? *result : fail(Errc::internal, "no answer in time");
}

// Answers twin requests with `status` and `body`.
void answer_twins(World& world, int status, std::string body, std::optional<std::int64_t> version = {}) {
    world.hub.on_publish = [&world, status, body, version](HubEnd& end, const Published& published) {
        const auto topic = hub_mqtt::parse_client_topic(published.topic).value();
        const auto* get = std::get_if<hub_mqtt::TwinGet>(&topic);
        const auto* patch = std::get_if<hub_mqtt::TwinPatch>(&topic);
        ASSERT_TRUE(get != nullptr || patch != nullptr) << published.topic;
        const auto answer = hub_mqtt::twin_answer_topic(status, get != nullptr ? get->request_id : patch->request_id, version);
        world.hub.send(end, mqtt::Publish{.topic = answer, .payload = body});
    };
}

TEST(Twin, GetGivesTheDocumentAndPatchTheNewVersion) {
    World world;
    world.start();
    answer_twins(world, 200, R"({"desired":{"$version":1},"reported":{"$version":1}})");
    EXPECT_EQ(wait_for(world, world.client->get_twin()).value(), R"({"desired":{"$version":1},"reported":{"$version":1}})");
    answer_twins(world, 204, "", 7);
    EXPECT_EQ(wait_for(world, world.client->patch_reported(R"({"a":1})")).value(), 7);
    EXPECT_EQ(world.hub.last().published.back().payload, R"({"a":1})");
}

TEST(Twin, ARefusalCarriesTheHubsReason) {
    World world;
    world.start();
    answer_twins(world, 413, R"({"errorCode":413001,"message":"too large"})");
    const auto refused = wait_for(world, world.client->patch_reported("{}"));
    EXPECT_EQ(refused.error().code, Errc::message_too_large);
    EXPECT_NE(refused.error().detail.find("too large"), std::string::npos);
    answer_twins(world, 429, "");
    EXPECT_EQ(wait_for(world, world.client->get_twin()).error().code, Errc::throttled);
    answer_twins(world, 500, "not json");
    EXPECT_EQ(wait_for(world, world.client->get_twin()).error().code, Errc::unavailable);
}

TEST(Twin, SilenceIsATimeoutAndALateAnswerHarmsNobody) {
    World world;
    world.start();
    std::string late;
    world.hub.on_publish = [&](HubEnd&, const Published& published) {
        late = std::get<hub_mqtt::TwinGet>(hub_mqtt::parse_client_topic(published.topic).value()).request_id;
    };
    EXPECT_EQ(wait_for(world, world.client->get_twin(), 29s).error().code, Errc::cancelled) << "still waiting";
    EXPECT_EQ(wait_for(world, world.client->get_twin(), 31s).error().code, Errc::timeout);
    world.hub.send(world.hub.last(), mqtt::Publish{.topic = hub_mqtt::twin_answer_topic(200, late), .payload = "{}"});
    world.settle();
    answer_twins(world, 200, "{}");
    EXPECT_TRUE(wait_for(world, world.client->get_twin()).has_value());
}

TEST(Twin, ALostConnectionEndsTheRequestAndWithoutOneItIsRefused) {
    World world;
    world.start();
    world.hub.on_publish = [&](HubEnd& end, const Published&) { world.hub.drop(end); };
    EXPECT_EQ(wait_for(world, world.client->get_twin()).error().code, Errc::connection_closed);
    EXPECT_EQ(wait_for(world, world.client->get_twin()).error().code, Errc::connection_closed);
}

TEST(Twin, TooManyRequestsAtOnceAreRefused) {
    World world;
    world.start();
    world.hub.on_publish = [](HubEnd&, const Published&) {};
    async::TaskGroup tasks(world.loop.get_executor());
    int throttled = 0;
    const auto ask = [](DeviceClient* client, int* count) -> Awaitable<> {
        const auto twin = co_await client->get_twin();
        if (!twin && twin.error().code == Errc::throttled) ++*count;
    };
    for (int i = 0; i < 70; ++i) tasks.spawn("ask", ask(world.client.get(), &throttled));
    world.settle();
    EXPECT_EQ(throttled, 6);
    const auto stop = [&]() -> Awaitable<> { co_await tasks.stop(); };
    async::testing::run(world.loop, stop());
}

TEST(Desired, PatchesComeWithTheirVersion) {
    World world;
    std::vector<std::pair<std::int64_t, std::string>> patches;
    Handlers handlers;
    handlers.on_desired = [&](std::int64_t version, std::string patch) { patches.emplace_back(version, std::move(patch)); };
    world.start(std::move(handlers));
    world.hub.send(world.hub.last(), mqtt::Publish{.topic = hub_mqtt::desired_patch_topic(4), .payload = R"({"x":1,"$version":4})",
                                                   .packet_id = 9, .qos = 1});
    world.settle();
    ASSERT_EQ(patches.size(), 1u);
    EXPECT_EQ(patches[0].first, 4);
    EXPECT_EQ(patches[0].second, R"({"x":1,"$version":4})");
    EXPECT_EQ(world.hub.last().acknowledged, std::vector<std::uint16_t>{9});
}

TEST(Methods, AreAnsweredUnderTheirRequestId) {
    World world;
    Handlers handlers;
    handlers.on_method = [&world](domain::MethodRequest request) -> Awaitable<domain::MethodResponse> {
        ignore(co_await world.time.sleep_for(5s), "test");
        if (request.name == "bad") throw std::runtime_error("expected by the test");
        co_return domain::MethodResponse{201, request.payload};
    };
    world.start(std::move(handlers));
    for (const char* method : {"good", "bad"})
        world.hub.send(world.hub.last(), mqtt::Publish{.topic = hub_mqtt::method_call_topic(method, method), .payload = "[1]"});
    world.settle();
    EXPECT_TRUE(world.hub.last().published.empty());
    world.pass(6s);
    const auto& published = world.hub.last().published;
    ASSERT_EQ(published.size(), 2u);
    EXPECT_EQ(published[0].topic, hub_mqtt::method_answer_topic("good", 201));
    EXPECT_EQ(published[0].payload, "[1]");
    EXPECT_EQ(published[1].topic, hub_mqtt::method_answer_topic("bad", 500));
}

TEST(Methods, MoreThanThirtyTwoAtOnceAreTurnedAway) {
    World world;
    Handlers handlers;
    handlers.on_method = [&world](domain::MethodRequest) -> Awaitable<domain::MethodResponse> {
        ignore(co_await world.time.sleep_for(5s), "test");
        co_return domain::MethodResponse{200, ""};
    };
    world.start(std::move(handlers));
    for (int i = 0; i < 33; ++i)
        world.hub.send(world.hub.last(), mqtt::Publish{.topic = hub_mqtt::method_call_topic("m", std::to_string(i)), .payload = ""});
    world.settle();
    ASSERT_EQ(world.hub.last().published.size(), 1u);
    EXPECT_EQ(world.hub.last().published[0].topic, hub_mqtt::method_answer_topic("32", 429));
}

TEST(Messages, AreAcknowledgedWhenTheOwnerSaysSoOnTheirOwnConnectionOnly) {
    World world;
    std::vector<domain::Message> messages;
    std::vector<std::move_only_function<void()>> acknowledge;
    Handlers handlers;
    handlers.on_message = [&](domain::Message message, std::move_only_function<void()> ack) {
        messages.push_back(std::move(message));
        acknowledge.push_back(std::move(ack));
    };
    world.start(std::move(handlers));
    domain::Message sent;
    sent.properties.push_back({"k", "v"});
    sent.set(domain::SystemProperty::input_name, "in1");
    const auto topic = hub_mqtt::input_topic(world.settings.identity, sent);
    for (const auto id : std::initializer_list<std::uint16_t>{5, 6, 7})
        world.hub.send(world.hub.last(), mqtt::Publish{.topic = topic, .payload = "body", .packet_id = id, .qos = 1});
    world.settle();
    ASSERT_EQ(messages.size(), 3u);
    EXPECT_EQ(messages[0].body, "body");
    EXPECT_EQ(messages[0].properties, sent.properties);
    EXPECT_EQ(messages[0].get(domain::SystemProperty::input_name), "in1");
    EXPECT_TRUE(world.hub.last().acknowledged.empty());
    acknowledge[1]();
    acknowledge[0]();
    world.settle();
    EXPECT_EQ(world.hub.last().acknowledged, (std::vector<std::uint16_t>{6, 5}));
    world.hub.drop(world.hub.last());
    world.pass(2s);
    ASSERT_EQ(world.hub.ends.size(), 2u);
    acknowledge[2]();
    world.settle();
    EXPECT_TRUE(world.hub.last().acknowledged.empty());
}

TEST(Messages, WhatIsNotUnderstoodIsAcknowledgedAndTheConnectionStays) {
    World world;
    world.start();
    world.hub.send(world.hub.last(), mqtt::Publish{.topic = "$iothub/unheard/of", .payload = "", .packet_id = 3, .qos = 1});
    world.settle();
    EXPECT_EQ(world.hub.last().acknowledged, std::vector<std::uint16_t>{3});
    EXPECT_EQ(world.hub.ends.size(), 1u);
    EXPECT_EQ(world.client->state(), LinkState::connected);
}

}  // namespace
}  // namespace selvage::device_client
