import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Judges a topic of running counts, of which every update was written: for each user 1, 2, 3, … in one partition, and the last
 * counts sum to the number of clicks. A lost click shows as a low total, a doubled one as a high total, a doubled or lost
 * output record as a repeat or a gap. With {@code --input TOPIC} it also counts, from the clicks themselves, the users whose last
 * count is below their number of clicks: what a job that counts at least once must not have.
 */
final class Clicks {
    private static final int SHOWN_PROBLEMS = 5;

    private static final class User {
        final int partition;
        long count;

        User(int partition) {
            this.partition = partition;
        }
    }

    private final Map<String, User> users = new HashMap<>();
    private final List<String> firstProblems = new ArrayList<>();
    private long records;
    private long gaps;
    private long repeats;
    private long misplaced;
    private long malformed;

    static boolean run(Args args) {
        long expected = args.number("expect-total");
        String input = args.text("input", "");
        Clicks clicks = new Clicks();
        TopicReader.read(args, "read_committed", record -> {
            clicks.take(record);
            return true;
        });
        return clicks.report(expected, input.isEmpty() ? 0 : clicks.usersBelow(clicksByUser(args, input)));
    }

    private static Map<String, Long> clicksByUser(Args args, String input) {
        Map<String, Long> truth = new HashMap<>();
        TopicReader.read(args.with("topic", input), "read_committed", record -> {
            try {
                truth.merge(userOf(record, Judge.JSON.readTree(record.value())), 1L, Long::sum);
            } catch (IOException e) {
                throw new IllegalArgumentException("offset " + record.offset() + " of " + input + " is no click", e);
            }
            return true;
        });
        return truth;
    }

    private long usersBelow(Map<String, Long> truth) {
        return truth.entrySet().stream().filter(entry -> countOfUser(entry.getKey()) < entry.getValue()).count();
    }

    private long countOfUser(String name) {
        User user = users.get(name);
        return user == null ? 0 : user.count;
    }

    private void take(ConsumerRecord<byte[], byte[]> record) {
        records++;
        String name;
        long count;
        try {
            JsonNode value = Judge.JSON.readTree(record.value());
            name = userOf(record, value);
            count = countOf(value);
        } catch (IOException | IllegalArgumentException e) {
            malformed++;
            problem(record, "is not a count: " + e.getMessage());
            return;
        }
        User user = users.computeIfAbsent(name, ignored -> new User(record.partition()));
        if (user.partition != record.partition()) {
            misplaced++;
            problem(record, "user " + name + " was in partition " + user.partition + " before");
        }
        if (count <= user.count) {
            repeats++;
            problem(record, "user " + name + " counts " + count + " after " + user.count);
        } else if (count > user.count + 1) {
            gaps++;
            problem(record, "user " + name + " counts " + count + " after " + user.count);
        }
        user.count = Math.max(user.count, count);
    }

    private static String userOf(ConsumerRecord<byte[], byte[]> record, JsonNode value) {
        JsonNode name = value.has("user_id") ? value.get("user_id") : value.get("userId");
        if (name != null && name.isTextual()) return name.textValue();
        if (record.key() == null) throw new IllegalArgumentException("no user in key or value");
        return new String(record.key(), StandardCharsets.UTF_8);
    }

    private static long countOf(JsonNode value) {
        JsonNode count = value.isObject() ? value.get("count") : value;
        if (count == null || !count.isNumber() || count.doubleValue() != count.longValue()) {
            throw new IllegalArgumentException("no whole number in " + value);
        }
        return count.longValue();
    }

    private void problem(ConsumerRecord<byte[], byte[]> record, String what) {
        if (firstProblems.size() < SHOWN_PROBLEMS) firstProblems.add(record.partition() + "@" + record.offset() + " " + what);
    }

    private boolean report(long expected, long under) {
        long total = users.values().stream().mapToLong(user -> user.count).sum();
        if (total != expected && firstProblems.size() < SHOWN_PROBLEMS) {
            firstProblems.add("the last counts sum to " + total + ", not to " + expected);
        }
        boolean ok = total == expected && gaps + repeats + misplaced + malformed == 0;
        ObjectNode answer = Judge.JSON.createObjectNode();
        answer.put("ok", ok).put("total", total).put("keys", users.size()).put("records", records);
        answer.put("gaps", gaps).put("repeats", repeats).put("misplaced", misplaced).put("malformed", malformed);
        answer.put("under", under);
        firstProblems.forEach(answer.putArray("firstProblems")::add);
        System.out.println(answer);
        return ok;
    }
}
