// Two engines, one of each role, joined by strings.
#include "codec/amqp/engine.h"

#include <gtest/gtest.h>

#include <functional>

namespace selvage::codec::amqp {
namespace {

using namespace std::chrono_literals;

struct Side {
    Engine engine;
    std::vector<Event> events;
    std::function<void(const Event&)> react;

    void receive(std::string_view bytes) {
        engine.receive(bytes);
        while (auto event = engine.next_event()) {
            if (react) react(*event);
            events.push_back(*std::move(event));
        }
    }
    // Takes out the events of a kind.
    template <class E>
    std::vector<E> take() {
        std::vector<E> found;
        for (auto& event : events)
            if (auto* one = std::get_if<E>(&event)) found.push_back(std::move(*one));
        std::erase_if(events, [](const Event& event) { return std::holds_alternative<E>(event); });
        return found;
    }
};

class EngineTest : public ::testing::Test {
public:
    Side client{.engine = {Role::client, {.container_id = "c", .host_name = "h"}}, .events = {}, .react = {}};
    Side server{.engine = {Role::server, {.container_id = "s"}}, .events = {}, .react = {}};
    SessionId session{};

    EngineTest() {
        server.react = [this](const Event& event) {
            if (std::holds_alternative<ConnectionOpened>(event)) server.engine.open();
        };
    }
    void exchange(std::size_t step = 1 << 20) {
        for (bool moved = true; moved;) {
            moved = false;
            for (auto [from, to] : {std::pair{&client, &server}, std::pair{&server, &client}}) {
                std::string bytes;
                from->engine.take_output(bytes);
                for (std::size_t at = 0; at < bytes.size(); at += step) to->receive(std::string_view(bytes).substr(at, step));
                moved |= !bytes.empty();
            }
        }
    }
    void open() {
        client.engine.open();
        session = client.engine.begin();
        exchange();
        EXPECT_EQ(server.take<ConnectionOpened>().size(), 1u);
        const auto opened = client.take<ConnectionOpened>();
        ASSERT_EQ(opened.size(), 1u);
        EXPECT_EQ(opened[0].container_id, "s");
        EXPECT_EQ(opened[0].idle_time_out, 240s);
    }
    // The link on both sides.
    std::pair<LinkId, LinkId> attach(LinkSpec spec, LinkAnswer answer = {.message_bytes_max = 100'000}) {
        const LinkId ours = client.engine.attach(session, spec);
        exchange();
        const auto attached = server.take<LinkAttached>();
        EXPECT_EQ(attached.size(), 1u);
        server.engine.accept(attached.at(0).link, answer);
        exchange();
        EXPECT_EQ(client.take<LinkAttached>().size(), 1u);
        return {ours, attached[0].link};
    }
    static LinkSpec to(std::string address, std::string name = "l") {
        return {.name = std::move(name), .direction = Direction::outgoing, .source = "mine", .target = std::move(address)};
    }
    static LinkSpec from(std::string address, std::string name = "l") {
        return {.name = std::move(name), .direction = Direction::incoming, .source = std::move(address), .target = "mine"};
    }
};

TEST_F(EngineTest, TellsWhatALinkAsksFor) {
    open();
    LinkSpec spec = to("/devices/d/messages/events");
    spec.sender_settles = SenderSettles::unsettled;
    spec.receiver_settles = ReceiverSettles::second;
    spec.properties = {{"com.microsoft:client-version", "v"}};
    const LinkId link = client.engine.attach(session, spec);
    exchange();
    const auto attached = server.take<LinkAttached>();
    ASSERT_EQ(attached.size(), 1u);
    EXPECT_EQ(attached[0].spec.name, "l");
    EXPECT_EQ(attached[0].spec.direction, Direction::incoming);
    EXPECT_EQ(attached[0].spec.source, "mine");
    EXPECT_EQ(attached[0].spec.target, "/devices/d/messages/events");
    EXPECT_EQ(attached[0].spec.sender_settles, SenderSettles::unsettled);
    EXPECT_EQ(attached[0].spec.receiver_settles, ReceiverSettles::second);
    EXPECT_EQ(attached[0].spec.properties, spec.properties);
    server.engine.accept(attached[0].link, {.message_bytes_max = 1 << 20, .sender_settles = SenderSettles::unsettled, .receiver_settles = ReceiverSettles::second});
    exchange();
    const auto answer = client.take<LinkAttached>();
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_EQ(answer[0].link, link);
    EXPECT_EQ(answer[0].spec.target, "/devices/d/messages/events");
    EXPECT_EQ(answer[0].spec.source, "mine");
    EXPECT_EQ(answer[0].spec.message_bytes_max, 1u << 20);
    EXPECT_EQ(answer[0].spec.receiver_settles, ReceiverSettles::second);
}

TEST_F(EngineTest, CarriesMessagesOfAnySizeThroughAnyChunks) {
    open();
    const auto [out, in] = attach(to("a"), {.message_bytes_max = 1 << 20});
    for (const std::size_t step : {std::size_t{1}, std::size_t{777}, std::size_t{1} << 20}) {
        server.engine.add_credit(in, 3);
        exchange();
        EXPECT_EQ(client.engine.credit(out), 3u);
        const std::string large(200'000, 'x');
        client.engine.send(out, "t1", "one", false);
        client.engine.send(out, "t2", large, false);
        client.engine.send(out, "t3", "three", true);
        exchange(step);
        const auto arrived = server.take<MessageArrived>();
        ASSERT_EQ(arrived.size(), 3u);
        EXPECT_EQ(arrived[0].bytes, "one");
        EXPECT_FALSE(arrived[0].settled);
        EXPECT_EQ(arrived[1].bytes, large);
        EXPECT_EQ(arrived[2].bytes, "three");
        EXPECT_TRUE(arrived[2].settled);
    }
}

TEST_F(EngineTest, SettlesWithEveryOutcome) {
    open();
    const auto [out, in] = attach(to("a"));
    server.engine.add_credit(in, 10);
    exchange();
    const Outcome outcomes[] = {Outcome::accepted, Outcome::rejected, Outcome::released, Outcome::modified, Outcome::undeliverable};
    std::vector<DeliveryId> sent;
    for (int i = 0; i < 5; ++i) sent.push_back(*client.engine.send(out, std::to_string(i), "m", false));
    exchange();
    const auto arrived = server.take<MessageArrived>();
    ASSERT_EQ(arrived.size(), 5u);
    for (std::size_t i = 5; i-- > 0;) server.engine.settle(arrived[i].delivery, outcomes[i], {"amqp:not-allowed", "no"});
    server.engine.settle(arrived[0].delivery, Outcome::rejected, {});   // settled before: ignored
    exchange();
    auto known = client.take<OutcomeKnown>();
    ASSERT_EQ(known.size(), 5u);
    for (const auto& one : known) {
        const auto i = static_cast<std::size_t>(std::find(sent.begin(), sent.end(), one.delivery) - sent.begin());
        ASSERT_LT(i, 5u);
        EXPECT_EQ(one.outcome, outcomes[i]);
        EXPECT_TRUE(one.settled);
        EXPECT_EQ(one.error, i == 1 ? (Condition{"amqp:not-allowed", "no"}) : Condition{});
    }
}

TEST_F(EngineTest, AnswersReceiversThatSettleSecond) {
    open();
    LinkSpec spec = from("a");
    spec.receiver_settles = ReceiverSettles::second;
    const auto [in, out] = attach(spec, {.message_bytes_max = 1000, .sender_settles = SenderSettles::unsettled, .receiver_settles = ReceiverSettles::second});
    client.engine.add_credit(in, 1);
    exchange();
    const auto sent = server.engine.send(out, "0123456789abcdef", "m", false);
    exchange();
    const auto arrived = client.take<MessageArrived>();
    ASSERT_EQ(arrived.size(), 1u);
    client.engine.propose(arrived[0].delivery, Outcome::accepted);
    exchange();
    auto known = server.take<OutcomeKnown>();
    ASSERT_EQ(known.size(), 1u);
    EXPECT_EQ(known[0].delivery, *sent);
    EXPECT_FALSE(known[0].settled);
    server.engine.settle(*sent, Outcome::accepted);
    exchange();
}

TEST_F(EngineTest, RefusesALinkWithAReason) {
    open();
    const LinkId link = client.engine.attach(session, to("nowhere"));
    exchange();
    server.engine.refuse(server.take<LinkAttached>().at(0).link, {"amqp:not-found", "no such address"});
    exchange();
    const auto answer = client.take<LinkAttached>();
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_EQ(answer[0].spec.target, std::nullopt);
    const auto detached = client.take<LinkDetached>();
    ASSERT_EQ(detached.size(), 1u);
    EXPECT_EQ(detached[0].link, link);
    EXPECT_EQ(detached[0].error, (Condition{"amqp:not-found", "no such address"}));
    EXPECT_TRUE(server.take<LinkDetached>().empty());
    attach(to("a"));   // the same name again
}

TEST_F(EngineTest, ForgetsLinksThatEndWithTheirMessages) {
    open();
    const auto [out, in] = attach(to("a"));
    server.engine.add_credit(in, 5);
    exchange();
    client.engine.send(out, "1", "m", false);
    exchange();
    const auto arrived = server.take<MessageArrived>();
    client.engine.detach(out, {});
    exchange();
    EXPECT_EQ(server.take<LinkDetached>().size(), 1u);
    server.engine.settle(arrived.at(0).delivery, Outcome::accepted);
    server.engine.add_credit(in, 1);
    server.engine.detach(in, {});
    EXPECT_FALSE(server.engine.send(in, "t", "m", false));
    exchange();
    EXPECT_TRUE(client.take<ConnectionClosed>().empty());
}

TEST_F(EngineTest, ReportsCreditAndDrain) {
    open();
    const auto [in, out] = attach(from("a"));
    client.engine.add_credit(in, 7);
    exchange();
    const auto credit = server.take<CreditChanged>();
    ASSERT_EQ(credit.size(), 1u);
    EXPECT_EQ(credit[0].link, out);
    EXPECT_EQ(credit[0].credit, 7u);
    EXPECT_FALSE(credit[0].drain);
    server.engine.send(out, "t", "m", true);
    EXPECT_EQ(server.engine.credit(out), 6u);
}

TEST_F(EngineTest, EndsALinkForAMessageThatIsTooLong) {
    open();
    const auto [out, in] = attach(to("a"), {.message_bytes_max = 100'000});
    server.engine.add_credit(in, 2);
    exchange();
    client.engine.send(out, "t", std::string(100'001, 'x'), false);
    client.engine.send(out, "u", "short", false);
    exchange();
    EXPECT_EQ(server.take<LinkDetached>().size(), 1u);
    EXPECT_TRUE(server.take<MessageArrived>().empty());
    const auto detached = client.take<LinkDetached>();
    ASSERT_EQ(detached.size(), 1u);
    EXPECT_EQ(detached[0].error.name, "amqp:link:message-size-exceeded");
    attach(to("a"));
}

TEST_F(EngineTest, EndsTheConnectionForMessagesWithoutCredit) {
    open();
    attach(to("a"));
    // What a broken peer does; an engine never would: transfer of handle 0, delivery 0, tag "t".
    const std::string bytes("\0\0\0\x16\2\0\0\0" "\0\x53\x14\xc0\x08\5\x43\x43\xa0\1t\x43\x42" "x", 22);
    server.receive(bytes);
    const auto closed = server.take<ConnectionClosed>();
    ASSERT_EQ(closed.size(), 1u);
    EXPECT_EQ(closed[0].error.name, "amqp:link:transfer-limit-exceeded");
    exchange();
    EXPECT_EQ(client.take<ConnectionClosed>().at(0).error.name, "amqp:link:transfer-limit-exceeded");
    EXPECT_TRUE(server.engine.finished());
}

TEST_F(EngineTest, BoundsSessionsAndLinks) {
    open();
    server.engine.set_limits({.sessions_max = 1, .links_max = 2});
    attach(to("a", "1"));
    attach(to("a", "2"));
    client.engine.attach(session, to("a", "3"));
    exchange();
    EXPECT_EQ(client.take<ConnectionClosed>().at(0).error.name, "amqp:resource-limit-exceeded");
}

TEST_F(EngineTest, BoundsTheBytesOfUnfinishedMessages) {
    open();
    server.engine.set_limits({.partial_bytes_max = 100'000});
    const auto [ours, theirs] = attach(to("a"), {.message_bytes_max = 1'000'000});
    server.engine.add_credit(theirs, 10);
    exchange();
    client.engine.send(ours, "1", std::string(90'000, 'x'), false);
    exchange();
    EXPECT_EQ(server.take<MessageArrived>().size(), 1u) << "what arrives whole counts no longer";
    client.engine.send(ours, "2", std::string(250'000, 'x'), false);
    exchange();
    EXPECT_TRUE(server.take<MessageArrived>().empty());
    EXPECT_EQ(client.take<ConnectionClosed>().at(0).error.name, "amqp:resource-limit-exceeded");
}

TEST_F(EngineTest, GivesUpASilentPeerAndKeepsAnIdleOneAlive) {
    open();
    TimePoint now{};
    const auto first = server.engine.tick(now);
    ASSERT_TRUE(first);
    EXPECT_EQ(*first - now, 120s) << "half of what the client asked for";
    now = *first;
    server.engine.tick(now);
    std::string bytes;
    server.engine.take_output(bytes);
    EXPECT_EQ(bytes.size(), 8u) << "an empty frame";
    while (server.take<ConnectionClosed>().empty() && now < TimePoint{} + 1000s) {
        now += 10s;
        server.engine.tick(now);
        server.receive("");
    }
    EXPECT_EQ(now, TimePoint{} + 480s);
}

TEST_F(EngineTest, EndsOnGarbageWithAnError) {
    open();
    server.receive("this is not AMQP");
    EXPECT_EQ(server.take<ConnectionClosed>().at(0).error.name, "amqp:connection:framing-error");
    server.receive("more");
    exchange();
    EXPECT_EQ(client.take<ConnectionClosed>().at(0).error.name, "amqp:connection:framing-error");
}

TEST_F(EngineTest, ClosesInOrder) {
    open();
    attach(to("a"));
    client.engine.close({});
    exchange();
    const auto closed = server.take<ConnectionClosed>();
    ASSERT_EQ(closed.size(), 1u);
    EXPECT_TRUE(closed[0].by_peer);
    EXPECT_TRUE(server.engine.finished());
    EXPECT_TRUE(client.engine.finished());
}

}  // namespace
}  // namespace selvage::codec::amqp
