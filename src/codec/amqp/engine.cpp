#include "codec/amqp/engine.h"

#include "codec/amqp/engine_impl.h"

namespace selvage::codec::amqp {
namespace {

constexpr std::size_t kProtocolHeaderBytes = 8;
constexpr std::size_t kFrameHeaderBytes = 8;
// proton counts windows in frames; ours never holds payloads, so this only says how many transfers a peer may send before
// it hears from us.
constexpr std::size_t kWindowFrames = 2048;

// proton takes 0 for "never".
std::int64_t to_ticks(TimePoint time) {
    return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count() + 1;
}
TimePoint from_ticks(std::int64_t ticks) { return TimePoint(std::chrono::milliseconds(ticks - 1)); }

}  // namespace

Driver::Driver() { SELVAGE_ASSERT(pn_connection_driver_init(&driver_, nullptr, nullptr) == 0); }

void set_condition(pn_condition_t* into, const Condition& from) {
    if (from.name.empty()) return;
    pn_condition_set_name(into, from.name.c_str());
    pn_condition_set_description(into, from.description.c_str());
}

Condition to_value(pn_condition_t* condition) {
    if (condition == nullptr || !pn_condition_is_set(condition)) return {};
    const char* name = pn_condition_get_name(condition);
    const char* description = pn_condition_get_description(condition);
    return {name == nullptr ? "" : name, description == nullptr ? "" : description};
}

Engine::Impl::Impl(Role role_, EngineSettings settings_)
    : role(role_), settings(std::move(settings_)), peer(role_ == Role::client) {
    reader.set_frame_bytes_max(settings.frame_bytes_max);
    pn_transport_t* transport = driver.transport();
    if (role == Role::server) pn_transport_set_server(transport);
    pn_transport_set_max_frame(transport, settings.frame_bytes_max);
    pn_transport_set_channel_max(transport, settings.channel_max);
    // It tells the peer half of what it waits for.
    pn_transport_set_idle_timeout(transport, static_cast<pn_millis_t>(settings.idle_time_out.count() * 2));
    pn_connection_set_container(driver.connection(), settings.container_id.c_str());
    if (!settings.host_name.empty()) pn_connection_set_hostname(driver.connection(), settings.host_name.c_str());
    collect({});
}

Engine::Engine(Role role, EngineSettings settings) : impl_(std::make_unique<Impl>(role, std::move(settings))) {
    if (role == Role::client) set_limits({.sessions_max = 65536, .links_max = 65536});
    else set_limits({});
}
Engine::~Engine() = default;

void Engine::set_limits(const PeerLimits& limits) {
    impl_->peer.set_limits({.sessions_max = limits.sessions_max, .links_max = limits.links_max});
    impl_->partial_bytes_max = limits.partial_bytes_max;
    impl_->reader.set_frame_bytes_max(std::min<std::size_t>(limits.frame_bytes_max, impl_->settings.frame_bytes_max));
}

void Engine::receive(std::string_view bytes) {
    Impl& impl = *impl_;
    impl.take_header(bytes);
    if (impl.stopped || bytes.empty()) return;
    impl.reader.feed(bytes);
    while (!impl.stopped) {
        const auto frame = impl.reader.next();
        if (!frame) {
            impl.fail_connection({"amqp:connection:framing-error", frame.error().detail});
            break;
        }
        if (!*frame) break;
        impl.take_frame(**frame);
    }
    impl.reader.keep();
}

void Engine::Impl::take_header(std::string_view& bytes) {
    if (header_bytes >= kProtocolHeaderBytes || stopped) return;
    const auto part = bytes.substr(0, kProtocolHeaderBytes - header_bytes);
    header_bytes += part.size();
    push(part.data(), part.size());
    bytes.remove_prefix(part.size());
    collect({});
}

void Engine::Impl::take_frame(const Frame& frame) {
    const auto allowed = peer.take(frame);
    if (!allowed) {
        const bool quota = allowed.error().code == Errc::quota_exceeded;
        return fail_connection({quota ? "amqp:resource-limit-exceeded" : "amqp:not-allowed", allowed.error().detail});
    }
    const auto size = frame.performative.size() + kFrameHeaderBytes;
    const char head[kFrameHeaderBytes] = {
        static_cast<char>(size >> 24), static_cast<char>(size >> 16), static_cast<char>(size >> 8), static_cast<char>(size), 2, 0,
        static_cast<char>(frame.channel >> 8), static_cast<char>(frame.channel)};
    push(head, sizeof head);
    push(frame.performative.data(), frame.performative.size());
    collect(frame);
}

void Engine::Impl::push(const char* bytes, std::size_t size) {
    while (size > 0 && !stopped) {
        const auto taken = pn_transport_push(driver.transport(), bytes, size);
        // An error of the transport, of which an event tells.
        if (taken <= 0) {
            stopped = true;
            return;
        }
        bytes += taken;
        size -= static_cast<std::size_t>(taken);
    }
}

void Engine::Impl::fail_connection(const Condition& why) {
    stopped = true;
    set_condition(pn_connection_condition(driver.connection()), why);
    pn_connection_close(driver.connection());
    if (!std::exchange(closed_told, true)) events.push_back(ConnectionClosed{why, false});
}

Engine::Impl::Link* Engine::Impl::find(LinkId id) {
    const auto found = links.find(static_cast<std::uint32_t>(id));
    return found == links.end() ? nullptr : &found->second;
}

void Engine::Impl::forget(LinkId id) {
    const auto found = links.find(static_cast<std::uint32_t>(id));
    if (found == links.end()) return;
    pn_link_t* handle = found->second.handle;
    for (pn_delivery_t* delivery = pn_unsettled_head(handle); delivery != nullptr; delivery = pn_unsettled_next(delivery)) {
        deliveries.erase(from_context(pn_delivery_get_context(delivery)));
        pn_delivery_set_context(delivery, nullptr);
    }
    partial_bytes -= found->second.partial.size();
    pn_link_set_context(handle, nullptr);
    links.erase(found);
}

std::optional<Event> Engine::next_event() {
    if (impl_->events.empty()) {
        std::deque<Event>().swap(impl_->events);
        return std::nullopt;
    }
    Event event = std::move(impl_->events.front());
    impl_->events.pop_front();
    return event;
}

void Engine::take_output(std::string& out) {
    pn_connection_driver_t* driver = impl_->driver.get();
    for (pn_bytes_t bytes = pn_connection_driver_write_buffer(driver); bytes.size > 0;
         bytes = pn_connection_driver_write_buffer(driver)) {
        out.append(bytes.start, bytes.size);
        pn_connection_driver_write_done(driver, bytes.size);
    }
    if (impl_->unsent_bytes > 0) {
        impl_->unsent_bytes = 0;
        for (pn_session_t* session = pn_session_head(impl_->driver.connection(), 0); session != nullptr; session = pn_session_next(session, 0))
            impl_->unsent_bytes += pn_session_outgoing_bytes(session);
    }
    impl_->collect({});
}

bool Engine::finished() const { return pn_connection_driver_write_closed(impl_->driver.get()); }

std::optional<TimePoint> Engine::tick(TimePoint now) {
    const auto next = pn_transport_tick(impl_->driver.transport(), to_ticks(now));
    impl_->collect({});
    if (next <= 0) return std::nullopt;
    return from_ticks(next);
}

void Engine::open() { pn_connection_open(impl_->driver.connection()); }

void Engine::close(const Condition& why) {
    set_condition(pn_connection_condition(impl_->driver.connection()), why);
    pn_connection_close(impl_->driver.connection());
    impl_->collect({});
}

std::size_t Engine::unsent_bytes() const { return impl_->unsent_bytes; }

SessionId Engine::begin() {
    pn_session_t* session = pn_session(impl_->driver.connection());
    pn_session_set_incoming_capacity(session, kWindowFrames * impl_->settings.frame_bytes_max);
    pn_session_open(session);
    impl_->own_sessions.push_back(session);
    return static_cast<SessionId>(impl_->own_sessions.size() - 1);
}

}  // namespace selvage::codec::amqp
