// Where the agent's deployment comes from: the twin of `$edgeAgent`, and a sealed copy on disk for starts without a network.
//
// Runs on: the agent's loop. The copy is encrypted through the workload API (it holds registry passwords) and replaced
// atomically; a copy that cannot be opened counts as none.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/blocking_pool.h"
#include "async/time_source.h"
#include "base/random.h"
#include "edge/manifest/deployment.h"
#include "edge/workload/workload_client.h"

namespace selvage::edge::agent {

class DeploymentSource {
public:
    // `folder` is {StorageFolder}/edgeAgent, made when absent (0700).
    DeploymentSource(async::BlockingPool& pool, Random& random, WorkloadClient& workload, std::string folder,
                     manifest::Surroundings surroundings);

    // Reads the copy; call once, before the first twin. Never fails: what cannot be read is logged.
    async::Awaitable<> load_copy();

    // A whole twin came: {"desired":{…,"$version":n},…}. Errors: malformed.
    Result<> take_twin(const std::string& document);
    // A desired patch came. False: it does not follow what is known; get the whole twin.
    bool take_patch(std::int64_t version, const std::string& patch);

    // The last good deployment; null: none so far.
    const manifest::Deployment* deployment() const { return deployment_ ? &*deployment_ : nullptr; }
    std::int64_t deployment_version() const { return deployment_version_; }
    // Why the newest desired properties were refused; nothing when they are in force.
    const std::optional<manifest::ManifestError>& refusal() const { return refusal_; }
    // Rises whenever deployment() or refusal() may have changed.
    std::uint64_t revision() const { return revision_; }

    // Writes the deployment in force to disk if it is not there yet. Errors: io_error, or the workload API's.
    async::Awaitable<Result<>> save_copy();

private:
    void evaluate();

    async::BlockingPool& pool_;
    Random& random_;
    WorkloadClient& workload_;
    std::string folder_;
    manifest::Surroundings surroundings_;
    std::optional<JsonObject> desired_;        // as merged so far, without $ members
    std::int64_t desired_version_ = 0;
    std::optional<manifest::Deployment> deployment_;
    JsonObject deployment_desired_;
    std::int64_t deployment_version_ = 0;
    std::int64_t saved_version_ = -1;
    std::optional<manifest::ManifestError> refusal_;
    std::uint64_t revision_ = 0;
};

}  // namespace selvage::edge::agent
