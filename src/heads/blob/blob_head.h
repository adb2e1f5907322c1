// The storage endpoint for files that devices upload: as much of Azure Storage's REST API as clients use who hold a signature
// for one file. Put Blob, Put Block, Put Block List; Get Blob and Get Blob Properties.
//
// The signature is checked before anything of the body is read; the body goes to the hub as it comes.
//
// Runs on: the hub's loop. Outlives its requests, and is outlived by the storage. Bounded: a list of blocks by
// kBlockListBytesMax, all else by the storage. Wire: docs/wire/file-upload.md.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "async/time_source.h"
#include "base/random.h"
#include "hub_api/files.h"
#include "net/http.h"

namespace selvage::heads::blob {

using async::Awaitable;

struct BlobHeadSettings {
    std::chrono::minutes upload_timeout{30};  // for one request; what the Node SDK gives a whole upload
    std::chrono::minutes list_timeout{2};     // for a list of blocks to arrive, which is kept in memory
};

class BlobHead {
public:
    BlobHead(hub_api::FileStorage& storage, async::TimeSource& time, Random& random, BlobHeadSettings settings = {})
        : storage_(storage), time_(time), random_(random), settings_(settings) {}

    // Whether a request is for this API: its path begins with the container.
    bool takes(std::string_view target) const;
    // For HttpServerSettings: bodies for this API are read as they come. Bounded by what they announce, which handle() checks.
    std::optional<std::uint64_t> streamed_bytes_max(const net::HttpRequest& head) const;

    Awaitable<net::HttpResponse> handle(net::HttpRequest request);

private:
    struct Call;
    struct Refusal;
    using Answer = Awaitable<std::expected<net::HttpResponse, Refusal>>;

    Answer serve(net::HttpRequest& request);
    Answer put(net::HttpRequest& request, Call call);
    Answer put_bytes(net::HttpRequest& request, Call call, std::string block);
    Answer put_block_list(net::HttpRequest& request, Call call);
    Answer get(net::HttpRequest& request, Call call);

    hub_api::FileStorage& storage_;
    async::TimeSource& time_;
    Random& random_;
    BlobHeadSettings settings_;
};

}  // namespace selvage::heads::blob
