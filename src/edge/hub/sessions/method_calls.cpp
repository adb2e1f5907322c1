#include "edge/hub/sessions/method_calls.h"

#include "async/deadline.h"

namespace selvage::edge::hub {
namespace {

// Takes an entry out of a map however the coroutine that put it there ends.
template <class F>
class AtEnd {
public:
    explicit AtEnd(F work) : work_(std::move(work)) {}
    ~AtEnd() { work_(); }
    AtEnd(const AtEnd&) = delete;
    AtEnd& operator=(const AtEnd&) = delete;

private:
    F work_;
};

}  // namespace

MethodCalls::MethodCalls(async::Executor loop, async::TimeSource& time, Random& random, HubCounters& counters,
                         Deliver deliver, std::size_t calls_max)
    : loop_(std::move(loop)),
      time_(time),
      random_(random),
      counters_(counters),
      deliver_(std::move(deliver)),
      calls_max_(calls_max) {}

async::Awaitable<Result<domain::MethodResponse>> MethodCalls::invoke(domain::Identity target, domain::MethodRequest request) {
    SELVAGE_CO_CHECK(domain::check(request));
    if (calls_.size() >= calls_max_) co_return fail(Errc::throttled, "too many direct methods are under way");
    ++counters_.methods_called;
    const auto request_id = random_.guid();
    const auto call = std::make_shared<Call>(loop_, target);
    calls_[request_id] = call;
    const AtEnd forget([this, request_id] { calls_.erase(request_id); });

    if (!co_await deliver_in_time(request_id, target, request))
        co_return fail(Errc::not_online, "Client " + to_text(target) + " not found");
    static_cast<void>(co_await async::run_for(time_, request.response_timeout, call->ended.wait()));
    if (call->response) co_return *std::move(call->response);
    co_return fail(Errc::timeout, "Timed out waiting for device to respond to method request " + request_id);
}

async::Awaitable<bool> MethodCalls::deliver_in_time(std::string request_id, domain::Identity target,
                                                    domain::MethodRequest request) {
    const auto deadline = time_.now() + request.connect_timeout;
    while (!deliver_(target, request_id, request)) {
        const auto left = deadline - time_.now();
        if (left <= Duration::zero()) co_return false;
        const auto waiting = waiting_.emplace(target, std::make_shared<Waiting>(loop_));
        const AtEnd forget([this, waiting] { waiting_.erase(waiting); });
        const auto keep = waiting->second;
        static_cast<void>(co_await async::run_for(time_, left, keep->woken.wait()));
    }
    co_return true;
}

void MethodCalls::listening(const domain::Identity& identity) {
    const auto [first, last] = waiting_.equal_range(identity);
    for (auto it = first; it != last; ++it) it->second->woken.set();
}

void MethodCalls::answered(const domain::Identity& identity, const std::string& request_id, domain::MethodResponse response) {
    const auto found = calls_.find(request_id);
    if (found == calls_.end() || found->second->target != identity || found->second->response) return;
    found->second->response = std::move(response);
    found->second->ended.set();
}

void MethodCalls::session_ended(const domain::Identity& identity) {
    for (const auto& [request_id, call] : calls_)
        if (call->target == identity) call->ended.set();
}

}  // namespace selvage::edge::hub
