#include "net/lobby.h"

#include "base/encoding.h"
#include "base/log.h"

namespace selvage::net {
namespace {

// Who says more than this and still not enough is served all the same: it is not for here to know what is too long.
constexpr std::size_t kFirstWordsMax = 1024;

}  // namespace

class Lobby::Entry final : public ServerStream::Waiter, public std::enable_shared_from_this<Entry> {
public:
    Entry(Lobby& lobby, std::shared_ptr<ServerStream> stream)
        : lobby_(&lobby), stream_(std::move(stream)), deadline_(lobby.time_.now() + lobby.timeout_) {}

    TimePoint deadline() const { return deadline_; }
    void stand_at(Entries::iterator self) { self_ = self; }

    void ready(bool closed) override {
        if (lobby_ == nullptr) return;
        if (closed) leave("the stream was closed");
        else listen();
    }

    // Reads what is there, and waits for more.
    void listen() {
        const auto keep = shared_from_this();   // leaving drops the list's reference
        for (;;) {
            const auto count = stream_->read_now(read_buffer());
            if (!count) return stream_->when_readable(keep);
            if (!*count) return leave((*count).error().detail);
            if (**count == 0) return leave("it left without a word that is enough");
            first_ += as_text(read_buffer().first(**count));
            if (first_.size() > kFirstWordsMax || !lobby_->enough_ || lobby_->enough_(first_)) return go_on();
        }
    }

    void leave(std::string_view why) {
        log::debug("net.listen", "no first words peer={}: {}", stream_->peer(), why);
        out();
        stream_->close();
    }

private:
    void go_on() {
        Lobby& lobby = out();
        stream_->put_back(std::move(first_));
        lobby.next_(std::move(stream_));
    }
    Lobby& out() {
        Lobby& lobby = *std::exchange(lobby_, nullptr);
        lobby.entries_.erase(self_);
        return lobby;
    }

    Lobby* lobby_;    // null: it has left
    std::shared_ptr<ServerStream> stream_;
    TimePoint deadline_;
    std::string first_;
    Entries::iterator self_;
};

Lobby::Lobby(async::Executor loop, async::TimeSource& time, Duration timeout, SaidEnough enough, Next next)
    : time_(time), timeout_(timeout), enough_(std::move(enough)), next_(std::move(next)),
      timer_(time.make_timer(std::move(loop), [this] { close_late(); })) {}

Lobby::~Lobby() { clear(); }

void Lobby::enter(std::shared_ptr<ServerStream> stream) {
    const auto entry = std::make_shared<Entry>(*this, std::move(stream));
    entry->stand_at(entries_.insert(entries_.end(), entry));
    if (entries_.size() == 1) timer_->set(entry->deadline());
    entry->listen();
}

void Lobby::clear() {
    while (!entries_.empty()) std::shared_ptr(entries_.front())->leave("the listener stops");
}

void Lobby::close_late() {
    const TimePoint now = time_.now();
    while (!entries_.empty() && entries_.front()->deadline() <= now)
        std::shared_ptr(entries_.front())->leave("it took too long");
    if (!entries_.empty()) timer_->set(entries_.front()->deadline());
}

}  // namespace selvage::net
