// All modules of the device that have inputs, by name.
//
// Runs on: the hub's loop.
#pragma once

#include <map>

#include "edge/hub/inputs/module_endpoint.h"

namespace selvage::edge::hub {

class ModuleInputs {
public:
    explicit ModuleInputs(ModuleEndpoint::Parts parts);
    ~ModuleInputs();

    // Before or after start(). The queue's sink is a module input.
    void add_queue(const StoredQueue& queue);
    void start();
    async::Awaitable<> stop();

    void listen(const std::string& module, InputReceiver* receiver, std::size_t window);
    void detach(const std::string& module, const InputReceiver* receiver);
    bool settle(const std::string& module, std::uint64_t ticket, hub_api::Outcome outcome);

    // The module has left the device: its queues may be dropped after this.
    async::Awaitable<> forget(std::string module);

private:
    ModuleEndpoint& endpoint(const std::string& module);

    ModuleEndpoint::Parts parts_;
    std::map<std::string, std::unique_ptr<ModuleEndpoint>> endpoints_;
    bool started_ = false;
};

}  // namespace selvage::edge::hub
