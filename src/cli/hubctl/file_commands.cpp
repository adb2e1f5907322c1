// Files are fetched part by part, into a file of another name until they are whole.
#include <fmt/core.h>

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/encoding.h"
#include "cli/hubctl/commands.h"

namespace selvage::cli::hubctl {

namespace {

constexpr std::size_t kPage = 1000;

// Each part of the name encoded, the slashes between them as they are.
std::string file_path(std::string_view name) {
    std::string path = "/selvage/files";
    while (true) {
        const auto slash = name.find('/');
        path += "/" + percent_encode(name.substr(0, slash));
        if (slash == std::string_view::npos) return path;
        name.remove_prefix(slash + 1);
    }
}

void print(const JsonObject& file) {
    std::printf("%12lld  %s  %s\n", static_cast<long long>(find_integer(file, "blobSizeInBytes")),
                std::string(find_text(file, "lastUpdatedTime")).c_str(), std::string(find_text(file, "blobName")).c_str());
}

}  // namespace

Awaitable<Result<>> files_list(ServiceClient& hub, Options options) {
    std::string after;
    for (;;) {
        ServiceClient::Request request;
        request.path = "/selvage/files";
        request.query = fmt::format("max={}&after={}&device={}", kPage, percent_encode(after), percent_encode(options.device));
        SELVAGE_CO_TRY(const auto answer, co_await hub.ask(std::move(request)));
        if (!answer.is_array()) co_return fail(Errc::malformed, "the hub's answer is not a JSON array");
        for (const auto& entry : answer.get_array()) {
            const auto* file = entry.if_object();
            if (file == nullptr) co_return fail(Errc::malformed, "the hub's answer is not a list of files");
            after = find_text(*file, "blobName");
            if (options.json_output) std::printf("%s\n", to_text(*file).c_str());
            else print(*file);
        }
        if (answer.get_array().size() < kPage) co_return Result<>{};
    }
}

Awaitable<Result<>> files_get(ServiceClient& hub, Options options) {
    const bool to_file = !options.output_file.empty();
    const std::string temporary = options.output_file + ".part";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(to_file ? std::fopen(temporary.c_str(), "wb") : nullptr,
                                                                 [](std::FILE* file) { return std::fclose(file); });
    if (to_file && !opened) co_return fail(from_errno("open " + temporary, errno));
    std::FILE* const out = to_file ? opened.get() : stdout;
    bool written = true;
    ServiceClient::Request request;
    request.path = file_path(options.file);
    auto fetched = co_await hub.fetch(std::move(request), [out, &written](std::string_view part) -> Awaitable<bool> {
        written = std::fwrite(part.data(), 1, part.size(), out) == part.size();
        co_return written;
    });
    written = std::fflush(out) == 0 && written;
    if (fetched && !written) fetched = fail(Errc::io_error, "the file could not be written");
    if (!to_file) co_return fetched;
    if (fetched && std::rename(temporary.c_str(), options.output_file.c_str()) == 0) co_return fetched;
    if (fetched) fetched = fail(from_errno("rename to " + options.output_file, errno));
    ::unlink(temporary.c_str());
    co_return fetched;
}

Awaitable<Result<>> files_delete(ServiceClient& hub, Options options) {
    ServiceClient::Request request;
    request.method = "DELETE";
    request.path = file_path(options.file);
    SELVAGE_CO_CHECK(co_await hub.exchange(std::move(request)));
    std::printf("deleted '%s'\n", options.file.c_str());
    co_return Result<>{};
}

}  // namespace selvage::cli::hubctl
