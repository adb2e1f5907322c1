#include "assembly/listening_file.h"

#include <unistd.h>

#include "base/log.h"

namespace selvage::assembly {

namespace {

constexpr std::chrono::seconds kRetryEvery{2};

}  // namespace

void ListeningFile::write(cloud::data_folder::ListeningAt where) {
    const auto written = cloud::data_folder::write_listening(folder_, where);
    if (written) return;
    remove();
    log::warn("hub", "{} is not written, and until it is `hubctl --data {}` does not find this hub's ports (address={} mqtt={} "
              "https={}); tried again every {} s: {}", folder_.listening(), folder_.root, where.address, where.mqtt_port,
              where.https_port, kRetryEvery.count(), written.error().detail);
    tasks_.spawn("listening file", write_later(std::move(where)));
}

async::Awaitable<> ListeningFile::write_later(cloud::data_folder::ListeningAt where) {
    for (;;) {
        if (!co_await time_.sleep_for(kRetryEvery)) co_return;
        if (!cloud::data_folder::write_listening(folder_, where)) continue;
        log::info("hub", "{} is written now", folder_.listening());
        co_return;
    }
}

async::Awaitable<> ListeningFile::stop() {
    co_await tasks_.stop();
    remove();
}

void ListeningFile::remove() const { ::unlink(folder_.listening().c_str()); }

}  // namespace selvage::assembly
