#include "edge/agent/deployment_source.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "domain/twin.h"

namespace selvage::edge::agent {
namespace {

// The copy on disk holds it deeper, and must still be readable.
constexpr std::size_t kPatchDepthMax = 62;
constexpr std::string_view kCopyName = "backup.json";

}  // namespace

DeploymentSource::DeploymentSource(async::BlockingPool& pool, Random& random, WorkloadClient& workload, std::string folder,
                                   manifest::Surroundings surroundings)
    : pool_(pool), random_(random), workload_(workload), folder_(std::move(folder)), surroundings_(std::move(surroundings)) {}

async::Awaitable<> DeploymentSource::load_copy() {
    const std::string path = fmt::format("{}/{}", folder_, kCopyName);
    auto content = co_await pool_.run([path] { return read_file(path); });
    if (!content) {
        if (content.error().code != Errc::not_found) log::warn("agent.backup", "not read: {}", content.error().detail);
        co_return;
    }
    const auto file = parse_json_object(*content);
    const auto sealed = file ? from_base64(find_text(*file, "sealed")) : Result<std::string>(fail(file.error()));
    if (!sealed) {
        log::warn("agent.backup", "not used path={}: {}", path, sealed.error().detail);
        co_return;
    }
    const auto text = co_await workload_.decrypt(*sealed, std::string(find_text(*file, "iv")));
    const auto stored = text ? parse_json_object(*text) : Result<JsonObject>(fail(text.error()));
    if (!stored) {
        log::warn("agent.backup", "not used path={}: {}", path, stored.error().detail);
        co_return;
    }
    const JsonObject* desired = find_object(*stored, "desired");
    if (desired == nullptr || desired_) co_return;   // a twin that came meanwhile is newer
    desired_ = *desired;
    desired_version_ = domain::bounded_version(find_integer(*stored, "version"));
    evaluate();
    saved_version_ = deployment_version_;
    log::info("agent.backup", "deployment from disk version={}", deployment_version_);
}

Result<> DeploymentSource::take_twin(const std::string& document) {
    SELVAGE_TRY(const JsonObject twin, parse_json_object(document));
    const JsonObject* desired = find_object(twin, "desired");
    if (desired == nullptr) return fail(Errc::malformed, "the twin has no desired properties");
    desired_version_ = domain::version_of(*desired);
    desired_ = domain::without_read_only(*desired);
    evaluate();
    return {};
}

bool DeploymentSource::take_patch(std::int64_t version, const std::string& patch) {
    if (!desired_ || version != desired_version_ + 1) return version == desired_version_ && desired_.has_value();
    auto parsed = parse_json_object(patch, kPatchDepthMax);
    if (!parsed) return false;
    domain::merge_patch(*desired_, domain::without_read_only(*parsed));
    desired_version_ = version;
    evaluate();
    return true;
}

void DeploymentSource::evaluate() {
    ++revision_;
    auto parsed = manifest::parse_deployment(*desired_, surroundings_);
    if (!parsed) {
        // What runs stays in force.
        refusal_ = parsed.error();
        log::warn("agent.deployment", "refused version={} code={}: {}", desired_version_, static_cast<int>(refusal_->code),
                  refusal_->description);
        return;
    }
    refusal_.reset();
    deployment_ = std::move(*parsed);
    deployment_desired_ = *desired_;
    deployment_version_ = desired_version_;
}

async::Awaitable<Result<>> DeploymentSource::save_copy() {
    if (!deployment_ || saved_version_ == deployment_version_) co_return Result<>{};
    const std::int64_t version = deployment_version_;
    const std::string iv = random_.guid();
    const std::string plain = to_text(JsonObject{{"version", version}, {"desired", deployment_desired_}});
    SELVAGE_CO_TRY(const std::string sealed, co_await workload_.encrypt(plain, iv));
    const std::string content = to_text(JsonObject{{"iv", iv}, {"sealed", to_base64(sealed)}});
    auto written = co_await pool_.run([folder = folder_, content]() -> Result<> {
        SELVAGE_CHECK(make_folders(folder, 0700));
        return replace_file(fmt::format("{}/{}", folder, kCopyName), content, 0600);
    });
    if (!written) co_return fail(written.error());
    saved_version_ = version;
    co_return Result<>{};
}

}  // namespace selvage::edge::agent
