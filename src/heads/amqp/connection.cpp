// The life of a connection: open, serve until somebody calls end(), finish.
//
// Reading: one buffer serves all connections of a thread, since read_some() fills it in the turn in which it returns and
// the engine copies what it must keep.
#include "heads/amqp/connection.h"

#include <boost/asio/this_coro.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "heads/amqp/error_map.h"

namespace selvage::heads::amqp {
namespace {

// Before a token is proven: tokens are of 8 KiB at most, and nothing else need come.
constexpr std::size_t kStrangersFrameBytes = 16 * 1024;

}  // namespace

std::string printable(std::string_view text) {
    constexpr std::size_t kCharsMax = 300;
    std::string out(text.substr(0, kCharsMax));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    if (text.size() > kCharsMax) out += "…";
    return out;
}

std::string lane_of(const domain::Identity& identity) { return to_lower(domain::to_text(identity)); }

AmqpConnection::AmqpConnection(async::Executor loop, std::shared_ptr<net::Stream> stream, hub_api::Hub& hub,
                               async::TimeSource& time, Random& random, AmqpSettings settings, std::string protocol)
    : loop_(loop), stream_(std::move(stream)), hub_(hub), time_(time), random_(random), settings_(settings),
      protocol_(std::move(protocol)), tasks_(std::move(loop)) {}

Awaitable<> AmqpConnection::run(std::string first, TimePoint deadline) {
    std::exception_ptr failure;
    try {
        if (co_await open_protocol(std::move(first), deadline)) co_await serve();
    } catch (...) {
        failure = std::current_exception();
    }
    // From here everything runs to its end, also when the owner has cancelled us.
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (state.cancelled() != boost::asio::cancellation_type::none) {
        end("the server is stopping");
    } else if (failure) {
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            log::error("amqp.connection", "peer={} failed: {}", stream_->peer(), error.what());
        }
        end("internal error");
    }
    co_await finish();
}

Awaitable<> AmqpConnection::serve() {
    tasks_.spawn("amqp watchdog", watch());
    while (!ended_) {
        const auto got = co_await read();
        if (!got) {
            say_last_words();   // to a peer that closes its side at once
            end(got.error().detail);
        }
        if (inbound_full() && !ended_) co_await wait_for_room();
    }
}

bool AmqpConnection::inbound_full() const {
    return inbound_unacked_ >= settings_.inbound_unacked_max || inbound_unacked_bytes_ >= settings_.inbound_unacked_bytes_max ||
           requests_waiting_ >= (stranger_since_ ? settings_.strange_requests_max : settings_.requests_max);
}

// The client feels this as TCP back-pressure.
Awaitable<> AmqpConnection::wait_for_room() {
    while (inbound_full() && !ended_) {
        room_ = std::make_unique<async::Event>(loop_);
        co_await room_->wait();
        room_.reset();
    }
}

void AmqpConnection::wake_reader() {
    if (room_ && (ended_ || !inbound_full())) room_->set();
}

void AmqpConnection::end(std::string reason) {
    if (ended_) return;
    ended_ = true;
    if (end_reason_.empty()) end_reason_ = std::move(reason);
    stream_->close();
    wake_reader();
}

void AmqpConnection::close(const codec::amqp::Condition& why, std::string reason) {
    if (ended_ || closing_) return;
    closing_ = true;
    end_reason_ = std::move(reason);
    engine_->close(why);
    touch();
}

Awaitable<> AmqpConnection::finish() {
    end("the connection ended");
    if (opened_) log::info("amqp.close", "peer={} identities={} reason={}", stream_->peer(), identities_.size(), printable(end_reason_));
    co_await tasks_.stop();
    auto identities = std::exchange(identities_, {});
    identities.clear();
    retired_.clear();
}

void AmqpConnection::authentication_changed() {
    const bool somebody = is_authenticated();
    if (somebody == !stranger_since_) return;
    if (somebody) stranger_since_.reset();
    else stranger_since_ = time_.now();
    apply_limits();
    wake_reader();
}

void AmqpConnection::apply_limits() {
    if (stranger_since_)
        engine_->set_limits({.sessions_max = settings_.strange_sessions_max,
                             .links_max = settings_.strange_links_max,
                             .frame_bytes_max = kStrangersFrameBytes,
                             .partial_bytes_max = kStrangersFrameBytes});
    else
        engine_->set_limits({.sessions_max = settings_.sessions_max, .links_max = settings_.links_max});
}

void AmqpConnection::retire(std::unique_ptr<hub_api::DeviceSession> session) {
    retired_.push_back(std::move(session));
    touch();
}

void AmqpConnection::drop(const AmqpIdentity& identity) {
    const auto found = identities_.find(identity.name());
    if (found == identities_.end() || found->second.get() != &identity) return;
    identities_.erase(found);
    authentication_changed();
}

void AmqpConnection::end_if_unused(const std::shared_ptr<AmqpIdentity>& identity) {
    if (identity->is_unused()) identity->end({});
}

void AmqpConnection::forget_token(const domain::Identity& identity) {
    tokens_.erase(lane_of(identity));
    authentication_changed();
}

void AmqpConnection::take_transfer(std::size_t bytes) {
    ++inbound_unacked_;
    inbound_unacked_bytes_ += bytes;
}

void AmqpConnection::transfer_done(codec::amqp::DeliveryId delivery, std::size_t bytes, const std::optional<Error>& error) {
    --inbound_unacked_;
    inbound_unacked_bytes_ -= bytes;
    if (ended_) return;
    if (error) engine_->settle(delivery, codec::amqp::Outcome::rejected, message_condition(*error));
    else engine_->settle(delivery, codec::amqp::Outcome::accepted);
    wake_reader();
    touch();
}

}  // namespace selvage::heads::amqp
