// Bytes go to the disk in large pieces, so that neither the threads' queue nor the disk is asked for every packet.
#include <fmt/core.h>

#include <unistd.h>

#include "storage/blobs/core.h"

namespace selvage::storage {

namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

struct Installed {
    BlobFacts facts;
    std::uint64_t freed = 0;
};

}  // namespace

BlobWriter::BlobWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

BlobWriter::~BlobWriter() {
    impl_->core->end_writer(impl_->owner);
    if (impl_->installed) return;
    // When the threads cannot take it, the next start does it.
    impl_->core->pool.post([temporary = impl_->temporary] { ::unlink(temporary.c_str()); });
}

Awaitable<Result<>> BlobWriter::write(std::string part) {
    auto& impl = *impl_;
    if (part.size() > impl.announced - impl.written) {
        co_return fail(Errc::malformed, fmt::format("more than the {} bytes that were announced", impl.announced));
    }
    impl.written += part.size();
    impl.gathered += part;
    if (impl.gathered.size() < kPieceBytes) co_return Result<>{};
    auto piece = std::exchange(impl.gathered, {});
    co_return co_await impl.core->pool.run(
        [file = impl.file, bytes = std::move(piece)]() -> Result<> { return file->write(bytes); });
}

Awaitable<Result<BlobFacts>> BlobWriter::finish() {
    auto& impl = *impl_;
    if (impl.written != impl.announced) {
        co_return fail(Errc::malformed, fmt::format("{} bytes instead of the {} that were announced", impl.written, impl.announced));
    }
    auto work = [file = impl.file, bytes = std::exchange(impl.gathered, {}), disk = impl.core->disk, from = impl.temporary,
                 to = impl.target, only_new = impl.only_new, now = impl.core->clock.utc_now()]() -> Result<Installed> {
        SELVAGE_CHECK(file->write(bytes));
        SELVAGE_CHECK(file->seal(now, disk->durable()));
        SELVAGE_TRY(auto facts, file->facts());
        SELVAGE_TRY(const auto freed, disk->install(from, to, only_new));
        return Installed{std::move(facts), freed};
    };
    SELVAGE_CO_TRY(auto done, co_await impl.core->pool.run(std::move(work)));
    impl.installed = true;
    impl.room.keep(done.freed);
    co_return std::move(done.facts);
}

BlobReader::BlobReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BlobReader::~BlobReader() = default;

const BlobFacts& BlobReader::facts() const { return impl_->facts; }

Awaitable<Result<std::string>> BlobReader::read() {
    co_return co_await impl_->core->pool.run([file = impl_->file] { return file->read(kPieceBytes); });
}

}  // namespace selvage::storage
