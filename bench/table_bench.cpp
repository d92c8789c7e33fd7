// SPDX-License-Identifier: Apache-2.0
/// The table floor against its peers: lookup with the record touched, replacement, worst insert, timers.
///
/// All tables map the same 16-byte keys to indexes of the same 64-byte records. Lookups come in bursts of 32, uniformly
/// over the live keys with 5 % misses. `each` is the time per key. Transparent huge pages are given to everybody: run
/// with GLIBC_TUNABLES=glibc.malloc.hugetlb=1 for the peers on the heap.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ikealg/base/hash.hpp"
#include "ikealg/table/flow_table.hpp"
#include "ikealg/table/slab.hpp"
#include "ikealg/table/timer_wheel.hpp"

#ifdef IKEALG_BENCH_ABSL
#include <absl/container/flat_hash_map.h>
#endif
#ifdef IKEALG_BENCH_DPDK
#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_memory.h>
#include <sys/mman.h>
#endif

namespace {

using namespace ikealg;

constexpr std::size_t burst = 32;

struct flow_key {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    [[nodiscard]] std::array<std::uint64_t, 2> words() const noexcept { return {first, second}; }
    friend bool operator==(const flow_key&, const flow_key&) = default;
    template <class State>
    friend State AbslHashValue(State state, const flow_key& key) {
        return State::combine(std::move(state), key.first, key.second);
    }
};

struct keyed_hasher {
    std::size_t operator()(const flow_key& key) const noexcept { return keyed_hash(key.words(), {1, 3}); }
};

struct alignas(64) record {
    flow_key key;
    std::array<std::uint64_t, 6> state{};
};

/// Key number `i`, the same for every table.
flow_key key_number(std::uint64_t i) {
    small_random random(i);
    return {random(), random()};
}

using refs = std::span<std::uint32_t, burst>;
using keys = std::span<const flow_key, burst>;

class records_of {
public:
    explicit records_of(std::size_t n) : records_(n) {
        for (std::uint32_t i = 0; i < n; ++i) {
            records_[records_.allocate()].key = key_number(i);
        }
    }
    void prefetch(std::uint32_t ref) const { __builtin_prefetch(&records_[ref], 1); }
    void touch(std::uint32_t ref) { ++records_[ref].state[0]; }
    record& operator[](std::uint32_t ref) { return records_[ref]; }
    const record& operator[](std::uint32_t ref) const { return records_[ref]; }

private:
    table::slab<record> records_;
};

// Each peer: insert(key, ref), erase(key, ref), find(keys, refs, records): npos for a miss.

struct ours {
    ours(std::size_t n, const records_of& all) : records(all), index(n, hash_secret::from_seed(n)) {}
    void insert(const flow_key& key, std::uint32_t ref) {
        if (!index.insert(key, ref)) {
            std::abort();
        }
    }
    void prefetch(const flow_key& key) const { index.prefetch(key); }
    void erase(const flow_key& key, std::uint32_t ref) { index.erase(key, ref); }
    void find(keys wanted, refs found) const {
        index.find_burst(
            wanted, found, [this](std::uint32_t ref) -> const flow_key& { return records[ref].key; },
            [this](std::uint32_t ref) { records.prefetch(ref); });
    }
    [[nodiscard]] std::size_t bytes() const { return index.memory_bytes(); }
    const records_of& records;
    table::flow_table<flow_key> index;
};

struct ours_single : ours {
    using ours::ours;
    void find(keys wanted, refs found) const {
        for (std::size_t i = 0; i < burst; ++i) {
            found[i] = index.find(wanted[i], [this](std::uint32_t ref) -> const flow_key& { return records[ref].key; });
        }
    }
};

template <class Map>
struct map_peer {
    map_peer(std::size_t n, const records_of& all) : records(all) { index.reserve(n); }
    void insert(const flow_key& key, std::uint32_t ref) { index.emplace(key, ref); }
    void prefetch(const flow_key& /*key*/) const {}
    void erase(const flow_key& key, std::uint32_t /*ref*/) { index.erase(key); }
    void find(keys wanted, refs found) const {
        for (std::size_t i = 0; i < burst; ++i) {
            const auto at = index.find(wanted[i]);
            found[i] = at == index.end() ? npos : at->second;
        }
    }
    [[nodiscard]] std::size_t bytes() const { return 0; }
    const records_of& records;
    Map index;
};
using std_map = map_peer<std::unordered_map<flow_key, std::uint32_t, keyed_hasher>>;

#ifdef IKEALG_BENCH_ABSL
using absl_map = map_peer<absl::flat_hash_map<flow_key, std::uint32_t>>;
struct absl_prefetched : absl_map {
    using absl_map::absl_map;
    void prefetch(const flow_key& key) const { index.prefetch(key); }
    void find(keys wanted, refs found) const {
        for (const flow_key& key : wanted) {
            index.prefetch(key);
        }
        absl_map::find(wanted, found);
        for (const std::uint32_t ref : found) {
            if (ref != npos) {
                records.prefetch(ref);
            }
        }
    }
};
#endif

#ifdef IKEALG_BENCH_DPDK
class rte_peer {
public:
    rte_peer(std::size_t n, const records_of& records) : records_(records) {
        static int tables = 0;
        const std::string name = "bench" + std::to_string(tables++);
        rte_hash_parameters parameters{};
        parameters.name = name.c_str();
        parameters.entries = static_cast<std::uint32_t>(std::max<std::size_t>(n + n / 8, 64));
        parameters.key_len = sizeof(flow_key);
        parameters.hash_func = rte_hash_crc;
        parameters.socket_id = -1;
        index_.reset(rte_hash_create(&parameters));
        if (!index_) {
            std::abort();
        }
    }
    void insert(const flow_key& key, std::uint32_t ref) {
        if (rte_hash_add_key_data(index_.get(), &key, to_data(ref)) != 0) {
            std::abort();
        }
    }
    void prefetch(const flow_key& /*key*/) const {}
    void erase(const flow_key& key, std::uint32_t /*ref*/) { rte_hash_del_key(index_.get(), &key); }
    void find(keys wanted, refs found) const {
        std::array<const void*, burst> pointers;
        std::array<void*, burst> data;
        std::uint64_t hits = 0;
        for (std::size_t i = 0; i < burst; ++i) {
            pointers[i] = &wanted[i];
        }
        rte_hash_lookup_bulk_data(index_.get(), pointers.data(), burst, &hits, data.data());
        for (std::size_t i = 0; i < burst; ++i) {
            found[i] =
                (hits >> i & 1U) != 0 ? static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(data[i])) : npos;
            if (found[i] != npos) {
                records_.prefetch(found[i]);
            }
        }
    }
    [[nodiscard]] std::size_t bytes() const { return 0; }

private:
    struct freer {
        void operator()(rte_hash* table) const { rte_hash_free(table); }
    };
    static void* to_data(std::uint32_t ref) { return reinterpret_cast<void*>(std::uintptr_t{ref}); }
    const records_of& records_;
    std::unique_ptr<rte_hash, freer> index_;
};

/// EAL without hugetlbfs or privileges; its memory is offered to transparent huge pages like everybody's.
void start_eal() {
    std::vector<std::string> words{"table_bench",          "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf",
                                   "--log-level=critical", "-m",        "4096"};
    std::vector<char*> argv(words.size());
    std::transform(words.begin(), words.end(), argv.begin(), [](std::string& word) { return word.data(); });
    if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
        std::abort();
    }
    rte_memseg_list_walk(
        [](const rte_memseg_list* list, void*) { return madvise(list->base_va, list->len, MADV_HUGEPAGE) & 0; },
        nullptr);
}
#endif

/// Everything of one size and peer. Google Benchmark calls a function repeatedly, so the last one built is kept.
template <class Peer>
struct fixture {
    explicit fixture(std::size_t n) : records(n), index(n, records) {
        for (std::uint32_t i = 0; i < n; ++i) {
            index.insert(records[i].key, i);
        }
        small_random random(n);
        queries.resize(std::size_t{1} << 21);
        for (flow_key& query : queries) {
            query = random() % 20 == 0 ? key_number(n + random() % n) : key_number(random() % n);
        }
    }
    records_of records;
    Peer index;
    std::vector<flow_key> queries;
    std::uint64_t oldest = 0;
};

/// The one fixture alive: ten million keys of every peer need not fit together.
std::shared_ptr<void> current_fixture;

template <class Peer>
fixture<Peer>& fixture_of(std::size_t n) {
    static std::weak_ptr<fixture<Peer>> mine;
    static std::size_t size = 0;
    auto kept = mine.lock();
    if (!kept || size != n) {
        kept.reset();
        current_fixture.reset();
        kept = std::make_shared<fixture<Peer>>(n);
        mine = kept;
        current_fixture = kept;
        size = n;
    }
    return *kept;
}

benchmark::Counter per(double items) {
    return {items, benchmark::Counter::kIsRate | benchmark::Counter::kInvert};
}

template <class Peer>
void lookup(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    auto& all = fixture_of<Peer>(n);
    std::array<std::uint32_t, burst> found;
    std::size_t at = 0;
    std::size_t hits = 0;
    for (auto _ : state) {
        all.index.find(keys(all.queries.data() + at, burst), found);
        for (const std::uint32_t ref : found) {
            if (ref != npos) {
                all.records.touch(ref);
                ++hits;
            }
        }
        at = (at + burst) % all.queries.size();
    }
    const auto items = static_cast<double>(state.iterations()) * burst;
    state.counters["each"] = per(items);
    state.counters["hits"] = static_cast<double>(hits) / items;
    if (all.index.bytes() != 0) {
        state.counters["bytes"] = static_cast<double>(all.index.bytes()) / static_cast<double>(n);
    }
}

/// Erases the oldest key of a full table and inserts a new one in its place.
template <class Peer>
void replace(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    auto& all = fixture_of<Peer>(n);
    for (auto _ : state) {
        const auto ref = static_cast<std::uint32_t>(all.oldest % n);
        const flow_key fresh = key_number(all.oldest + n);
        all.index.prefetch(fresh);
        all.index.erase(key_number(all.oldest), ref);
        all.records[ref].key = fresh;
        all.index.insert(fresh, ref);
        ++all.oldest;
    }
    state.counters["each"] = per(static_cast<double>(state.iterations()));
}

/// CPU time of this thread, so that a busy machine does not count.
double thread_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// The longest of some steps that are run several times over. Each step counts with its fastest run, so that what the
/// machine does meanwhile (on a busy one, milliseconds) is left out, and what the step itself does stays in.
class worst_step {
public:
    explicit worst_step(std::size_t steps) : fastest_(steps, 1e9F) {}
    void start() { before_ = clock::now(); }
    void done(std::size_t step) {
        const auto after = clock::now();
        fastest_[step] = std::min(fastest_[step], std::chrono::duration<float, std::micro>(after - before_).count());
        before_ = after;
    }
    [[nodiscard]] double microseconds() const {
        return static_cast<double>(*std::max_element(fastest_.begin(), fastest_.end()));
    }

private:
    using clock = std::chrono::steady_clock;
    clock::time_point before_;
    std::vector<float> fastest_;
};
constexpr int worst_runs = 3;

/// Fills a table; reports the slowest single insert.
template <class Peer>
void fill(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    const records_of records(n);
    worst_step worst(n);
    for (auto _ : state) {
        for (int run = 0; run < worst_runs; ++run) {
            Peer index(n, records);
            worst.start();
            for (std::uint32_t i = 0; i < n; ++i) {
                index.insert(records[i].key, i);
                worst.done(i);
            }
        }
    }
    state.counters["worst_us"] = worst.microseconds();
}

// Timers: `n` of them 2 s to a day ahead, then steps of one second until all have fired.

struct our_wheel {
    explicit our_wheel(std::size_t n) : wheel(n, tick{0}) {}
    void schedule(std::uint32_t id, std::uint32_t when) {
        if (!wheel.schedule(id, tick{when})) {
            std::abort();
        }
    }
    template <class OnFire>
    void advance(std::uint32_t now, OnFire&& on_fire) {
        wheel.advance(tick{now}, ~std::size_t{0}, [&](std::uint32_t id, tick) { on_fire(id); });
    }
    table::timer_wheel wheel;
};

/// The wheel as it is usually built: 4 levels of 256 slots, a doubly linked node in each record, one step a tick.
struct linked_wheel {
    struct node {
        node* next = nullptr;
        node* previous = nullptr;
        std::uint32_t deadline = 0;
        std::uint32_t id = 0;
    };
    explicit linked_wheel(std::size_t n) : nodes(n) {
        for (auto& level : slots) {
            for (node& slot : level) {
                slot.next = slot.previous = &slot;
            }
        }
    }
    void schedule(std::uint32_t id, std::uint32_t when) {
        nodes[id].id = id;
        nodes[id].deadline = when;
        link(nodes[id]);
    }
    void link(node& timer) {
        const std::uint32_t differing = (timer.deadline ^ now_) | 1U;
        const std::uint32_t level = (31U - static_cast<std::uint32_t>(__builtin_clz(differing))) / 8;
        node& slot = slots[level][timer.deadline >> (8 * level) & 0xff];
        timer.next = &slot;
        timer.previous = slot.previous;
        slot.previous->next = &timer;
        slot.previous = &timer;
    }
    template <class Visit>
    static void drain(node& slot, Visit&& visit) {
        while (slot.next != &slot) {
            node& timer = *slot.next;
            slot.next = timer.next;
            timer.next->previous = &slot;
            visit(timer);
        }
    }
    template <class OnFire>
    void advance(std::uint32_t now, OnFire&& on_fire) {
        while (now_ < now) {
            ++now_;
            for (std::uint32_t level = 3; level > 0; --level) {
                if ((now_ & ((1U << (8 * level)) - 1)) == 0) {
                    drain(slots[level][now_ >> (8 * level) & 0xff], [&](node& timer) { link(timer); });
                }
            }
            drain(slots[0][now_ & 0xff], [&](node& timer) { on_fire(timer.id); });
        }
    }
    std::vector<node> nodes;
    std::array<std::array<node, 256>, 4> slots;
    std::uint32_t now_ = 0;
};

struct heap {
    explicit heap(std::size_t /*n*/) {}
    void schedule(std::uint32_t id, std::uint32_t when) { timers.emplace(when, id); }
    template <class OnFire>
    void advance(std::uint32_t now, OnFire&& on_fire) {
        while (!timers.empty() && timers.top().first <= now) {
            const std::uint32_t id = timers.top().second;
            timers.pop();
            on_fire(id);
        }
    }
    using timer = std::pair<std::uint32_t, std::uint32_t>;
    std::priority_queue<timer, std::vector<timer>, std::greater<>> timers;
};

template <class Wheel>
void timers(benchmark::State& state) {
    const auto n = static_cast<std::uint32_t>(state.range(0));
    std::vector<std::uint32_t> deadlines(n);
    small_random random(n);
    for (std::uint32_t& deadline : deadlines) {
        deadline = static_cast<std::uint32_t>(2'000 + random() % (86'400'000 - 2'000));
    }
    constexpr std::uint32_t steps = 86'400;
    worst_step worst(steps);
    for (auto _ : state) {
        for (int run = 0; run <= worst_runs; ++run) {
            const auto wheel = std::make_unique<Wheel>(n);
            const double begin = thread_ns();
            for (std::uint32_t id = 0; id < n; ++id) {
                wheel->schedule(id, deadlines[id]);
            }
            const double scheduled = thread_ns();
            std::uint64_t fired = 0;
            worst.start();
            for (std::uint32_t step = 0; step < steps; ++step) {
                wheel->advance((step + 1) * 1'000, [&](std::uint32_t id) { fired += id < n ? 1U : 0U; });
                if (run != 0) {
                    worst.done(step);
                }
            }
            if (run == 0) {
                state.counters["schedule_ns"] = (scheduled - begin) / n;
                state.counters["expire_ns"] = (thread_ns() - scheduled) / n;
            }
            if (fired != n) {
                state.SkipWithError("timers lost");
            }
        }
    }
    state.counters["worst_step_us"] = worst.microseconds();
}

template <class Peer>
void add_table(const std::string& peer) {
    for (const std::int64_t n : {1000, 100000, 1000000, 10000000}) {
        benchmark::RegisterBenchmark(("lookup/" + peer).c_str(), lookup<Peer>)->Arg(n);
        benchmark::RegisterBenchmark(("replace/" + peer).c_str(), replace<Peer>)->Arg(n);
        benchmark::RegisterBenchmark(("fill/" + peer).c_str(), fill<Peer>)->Arg(n)->Iterations(1);
    }
}

template <class Wheel>
void add_timers(const std::string& peer) {
    for (const std::int64_t n : {1000, 100000, 1000000, 10000000}) {
        benchmark::RegisterBenchmark(("timers/" + peer).c_str(), timers<Wheel>)
            ->Arg(n)
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
    }
}

}  // namespace

int main(int argc, char** argv) {
    add_table<ours>("ikealg");
    add_table<ours_single>("ikealg_single");
    add_table<std_map>("std_unordered_map");
#ifdef IKEALG_BENCH_ABSL
    add_table<absl_map>("absl_single");
    add_table<absl_prefetched>("absl_prefetch");
#endif
#ifdef IKEALG_BENCH_DPDK
    start_eal();
    add_table<rte_peer>("rte_hash_bulk");
#endif
    add_timers<our_wheel>("ikealg");
    add_timers<linked_wheel>("linked_wheel");
    add_timers<heap>("std_priority_queue");
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
