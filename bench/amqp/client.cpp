#include "amqp/client.h"

#include <fmt/core.h>

#include "async/turn.h"
#include "base/encoding.h"
#include "codec/amqp/message.h"

namespace selvage::bench {
namespace {

constexpr std::chrono::seconds kDialTimeout{60};
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kTokenTaken = 200;   // docs/wire/amqp.md#cbs

// One for all connections of the thread: read_some() fills it in the turn in which it returns.
std::span<std::byte> read_buffer() {
    thread_local const std::unique_ptr<std::byte[]> buffer(new std::byte[kReadBytes]);
    return {buffer.get(), kReadBytes};
}

std::unexpected<Error> ended(const wire::Condition& why, std::string_view what) {
    return fail(Errc::connection_closed, fmt::format("the server ended the {}: {} {}", what, why.name, why.description));
}

}  // namespace

Awaitable<Result<>> AmqpClient::connect(net::Dialer& dialer, net::Target target, const std::string& name, bool opens) {
    SELVAGE_CO_TRY(stream_, co_await dialer.dial(std::move(target), kDialTimeout));
    silent_ = !opens;
    if (silent_) co_return Result<>{};
    engine_.open();
    session_ = engine_.begin();
    touch();
    const auto opened = co_await wait_for<wire::ConnectionOpened>();
    if (!opened) co_return fail(opened.error().in(name));
    co_return Result<>{};
}

// docs/wire/amqp.md#cbs
Awaitable<Result<>> AmqpClient::put_token(const Account& account) {
    SELVAGE_CO_TRY(const auto requests, co_await attach_sender("$cbs"));
    SELVAGE_CO_TRY(const auto answers, co_await attach_receiver("$cbs", 1));
    wire::Message request;
    request.properties.message_id = std::string("token");
    request.application_properties = {{"operation", std::string("put-token")},
                                      {"type", std::string("servicebus.windows.net:sastoken")},
                                      {"name", account.client_id}};
    request.value = account.password;
    engine_.send(requests, "t", wire::encode_message(request), true);
    touch();
    SELVAGE_CO_TRY(const auto arrived, co_await wait_for<wire::MessageArrived>());
    SELVAGE_CO_TRY(const auto answer, wire::decode_message(arrived.bytes));
    const auto* status = wire::find(answer.application_properties, "status-code");
    const auto code = status == nullptr ? std::nullopt : wire::as_integer(*status);
    if (code != kTokenTaken) co_return fail(Errc::unauthorized, fmt::format("{}: status {} on $cbs", account.client_id, code.value_or(0)));
    engine_.settle(arrived.delivery, wire::Outcome::accepted);
    engine_.detach(requests, {});
    engine_.detach(answers, {});
    co_return Result<>{};
}

Awaitable<Result<wire::LinkId>> AmqpClient::attach_sender(const std::string& address) {
    const auto link = engine_.attach(session_, {.name = fmt::format("sender-{}", ++links_),
                                                .direction = wire::Direction::outgoing,
                                                .source = "bench",
                                                .target = address,
                                                .sender_settles = wire::SenderSettles::mixed});
    touch();
    // Its credit says that the attach was accepted.
    const auto credit = co_await wait_for<wire::CreditChanged>();
    if (!credit) co_return fail(credit.error().in(address));
    co_return link;
}

Awaitable<Result<wire::LinkId>> AmqpClient::attach_receiver(const std::string& address, std::uint32_t credit) {
    const auto link = engine_.attach(session_, {.name = fmt::format("receiver-{}", ++links_),
                                                .direction = wire::Direction::incoming,
                                                .source = address,
                                                .target = "bench",
                                                .sender_settles = wire::SenderSettles::mixed});
    engine_.add_credit(link, credit);
    touch();
    const auto attached = co_await wait_for<wire::LinkAttached>();
    if (!attached) co_return fail(attached.error().in(address));
    if (!attached->spec.source) co_return fail(Errc::not_found, address + ": refused");
    co_return link;
}

Awaitable<Result<>> AmqpClient::receive() {
    const auto buffer = read_buffer();
    SELVAGE_CO_TRY(const auto count, co_await stream_->read_some(buffer));
    if (count == 0) co_return fail(Errc::connection_closed, "the server closed the connection");
    engine_.receive(as_text(buffer.first(count)));
    co_return Result<>{};
}

template <class T>
Awaitable<Result<T>> AmqpClient::wait_for() {
    for (;;) {
        while (auto event = engine_.next_event()) {
            if (auto* wanted = std::get_if<T>(&*event)) co_return std::move(*wanted);
            if (const auto* gone = std::get_if<wire::LinkDetached>(&*event)) co_return ended(gone->error, "link");
            if (const auto* closed = std::get_if<wire::ConnectionClosed>(&*event)) co_return ended(closed->error, "connection");
        }
        SELVAGE_CO_CHECK(co_await receive());
        touch();
    }
}

Awaitable<Result<>> AmqpClient::read(OnEvent on_event) {
    for (;;) {
        while (auto event = engine_.next_event()) {
            if (const auto* gone = std::get_if<wire::LinkDetached>(&*event)) co_return ended(gone->error, "link");
            if (const auto* closed = std::get_if<wire::ConnectionClosed>(&*event)) co_return ended(closed->error, "connection");
            on_event(*event);
        }
        touch();
        SELVAGE_CO_CHECK(co_await receive());
    }
}

void AmqpClient::touch() {
    if (silent_ || std::exchange(flushing_, true)) return;
    tasks_.spawn("bench write", flush());
}

// A failed write shows itself in read().
Awaitable<> AmqpClient::flush() {
    co_await async::next_turn(loop_);
    std::string bytes;
    for (;;) {
        bytes.clear();
        engine_.take_output(bytes);
        if (bytes.empty()) break;
        const auto written = co_await stream_->write(bytes);
        if (!written) co_return;
    }
    flushing_ = false;
}

Awaitable<> AmqpClient::stop() {
    if (stream_) stream_->close();
    co_await tasks_.stop();
}

}  // namespace selvage::bench
