import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes synthetic clicks; the same seed gives the same clicks in the same order. */
final class ProduceClicks {
    private static final int PAGES = 1_000;
    private static final int HIGHEST_AMOUNT = 100;
    private static final long FIRST_TIMESTAMP = 1_760_000_000_000L;

    private ProduceClicks() {}

    static void run(Args args) throws Exception {
        String topic = args.text("topic");
        long count = args.number("count");
        int users = (int) args.number("users");
        long rate = args.number("rate", 0);
        long timestamp = args.number("start-ts", FIRST_TIMESTAMP);
        boolean keyed = isKeyed(args.text("key", "user"));
        Mulberry32 random = new Mulberry32((int) args.number("seed", 42));
        BitSet seen = new BitSet(users);
        AtomicLong written = new AtomicLong();
        AtomicReference<Exception> failure = new AtomicReference<>();
        long began = System.nanoTime();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties(args))) {
            for (long i = 0; i < count && failure.get() == null; i++) {
                int user = random.below(users);
                seen.set(user);
                byte[] key = keyed ? ("u" + user).getBytes(StandardCharsets.UTF_8) : null;
                byte[] value = click(user, random, timestamp + i);
                producer.send(new ProducerRecord<>(topic, null, timestamp + i, key, value), (metadata, error) -> {
                    if (error == null) written.incrementAndGet();
                    else failure.compareAndSet(null, error);
                });
                if (rate > 0) keepPace(began, i + 1, rate);
            }
        }
        if (failure.get() != null) throw failure.get();
        ObjectNode answer = Judge.JSON.createObjectNode();
        answer.put("records", written.get()).put("users", seen.cardinality());
        answer.put("durationMs", TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began));
        System.out.println(answer);
    }

    private static boolean isKeyed(String key) {
        if (key.equals("user")) return true;
        if (key.equals("none")) return false;
        throw new IllegalArgumentException("--key is user or none, not " + key);
    }

    private static byte[] click(int user, Mulberry32 random, long timestamp) {
        String page = "/p/" + random.below(PAGES);
        int amount = 1 + random.below(HIGHEST_AMOUNT);
        String json = "{\"userId\":\"u" + user + "\",\"page\":\"" + page + "\",\"ts\":" + timestamp + ",\"amount\":" + amount + "}";
        return json.getBytes(StandardCharsets.UTF_8);
    }

    private static void keepPace(long began, long sent, long rate) throws InterruptedException {
        long ahead = began + TimeUnit.SECONDS.toNanos(sent) / rate - System.nanoTime();
        if (ahead > 0) TimeUnit.NANOSECONDS.sleep(ahead);
    }

    private static Properties properties(Args args) {
        Properties properties = args.clientProperties();
        properties.remove("default.api.timeout.ms");
        properties.put("acks", "all");
        properties.put("enable.idempotence", true);
        properties.put("linger.ms", args.number("rate", 0) > 0 ? 5 : 20);
        properties.put("batch.size", 256 << 10);
        properties.put("compression.type", args.text("compression", "none"));
        properties.put("key.serializer", ByteArraySerializer.class.getName());
        properties.put("value.serializer", ByteArraySerializer.class.getName());
        return properties;
    }
}
