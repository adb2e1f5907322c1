#include "net/stream.h"

namespace selvage::net {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

}  // namespace

std::span<std::byte> read_buffer() {
    thread_local const std::unique_ptr<std::byte[]> buffer(new std::byte[kReadBytes]);
    return {buffer.get(), kReadBytes};
}

ClosingTime::ClosingTime(Stream& stream, async::TimeSource& time, async::Executor loop, TimePoint when)
    : timer_(time.make_timer(std::move(loop), [this, &stream] {
          come_ = true;
          stream.close();
      })) {
    timer_->set(when);
}

}  // namespace selvage::net
