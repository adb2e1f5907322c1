#include "dev/faults/connections.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace selvage::dev {

using async::Awaitable;

class Connections::Watched final : public net::Stream {
public:
    Watched(Connections& owner, std::shared_ptr<net::Stream> stream) : owner_(owner), stream_(std::move(stream)) {
        owner_.open_.insert(this);
    }
    ~Watched() override { owner_.open_.erase(this); }

    Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        if (owner_.delay_ == Duration::zero()) return stream_->read_some(into);
        return read_late(into);
    }
    Awaitable<Result<>> write(std::string_view bytes) override { return stream_->write(bytes); }
    bool write_at_once(std::string_view bytes) override { return stream_->write_at_once(bytes); }
    void end_writing() override { stream_->end_writing(); }
    void close() override { stream_->close(); }
    std::string peer() const override { return stream_->peer(); }
    std::vector<std::string> peer_certificates() const override { return stream_->peer_certificates(); }
    int peer_pid() const override { return stream_->peer_pid(); }
    int peer_uid() const override { return stream_->peer_uid(); }

private:
    // Into bytes of its own: `into` may be shared by all connections of the loop until the call returns.
    Awaitable<Result<std::size_t>> read_late(std::span<std::byte> into) {
        const auto room = std::min(into.size(), held_.size());
        SELVAGE_CO_TRY(const std::size_t count, co_await stream_->read_some(std::span(held_).first(room)));
        SELVAGE_CO_CHECK(co_await owner_.time_.sleep_for(owner_.delay_));
        std::memcpy(into.data(), held_.data(), count);
        co_return count;
    }

    Connections& owner_;
    std::shared_ptr<net::Stream> stream_;
    std::array<std::byte, 16384> held_;
};

std::unique_ptr<net::Stream> Connections::watch(std::shared_ptr<net::Stream> stream) {
    return std::make_unique<Watched>(*this, std::move(stream));
}

net::Serve Connections::around(net::Serve serve) {
    return [this, serve = std::move(serve)](std::shared_ptr<net::Stream> stream) { return serve(watch(std::move(stream))); };
}

std::size_t Connections::cut() {
    const std::vector<Watched*> all(open_.begin(), open_.end());
    for (auto* stream : all)
        if (open_.contains(stream)) stream->close();
    return all.size();
}

net::Awaitable<Result<std::unique_ptr<net::Stream>>> BreakableDialer::dial(net::Target target,
                                                                           std::chrono::milliseconds timeout) {
    if (!target.unix_path.empty()) co_return co_await dialer_.dial(std::move(target), timeout);
    const auto no_way = [host = target.host] {
        return fail(Errc::unavailable, fmt::format("dial {}: the link is down, as --fault asked for", host));
    };
    if (down_) co_return no_way();
    SELVAGE_CO_TRY(auto stream, co_await dialer_.dial(std::move(target), timeout));
    if (down_) co_return no_way();
    co_return connections_.watch(std::move(stream));
}

void BreakableDialer::take_down() {
    down_ = true;
    connections_.cut();
}

}  // namespace selvage::dev
