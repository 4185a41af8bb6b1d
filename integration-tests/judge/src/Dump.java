import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * Prints the records of a topic ({@code --topic}) or of several ({@code --topics A,B}: lines then name the topic), or those with
 * one key ({@code --key BASE64}), one JSON line each; bytes as base64, absent ones as null.
 */
final class Dump {
    private static final int BUFFER_BYTES = 1 << 16;

    private long left;

    private Dump(long limit) {
        left = limit;
    }

    static void run(Args args) {
        String wanted = args.text("key", "");
        byte[] key = Base64.getDecoder().decode(wanted);
        Dump dump = new Dump(args.number("limit", Long.MAX_VALUE));
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out, BUFFER_BYTES), false, StandardCharsets.UTF_8);
        String several = args.text("topics", "");
        List<String> topics = List.of(several.isEmpty() ? new String[] {args.text("topic")} : several.split(","));
        if (dump.left > 0) {
            TopicReader.read(args, topics, args.text("isolation", "read_committed"), record -> {
                if (!wanted.isEmpty() && !Arrays.equals(key, record.key())) return true;
                ObjectNode line = line(record);
                if (!several.isEmpty()) line.put("topic", record.topic());
                out.print(line);
                out.print('\n');
                return --dump.left > 0;
            });
        }
        out.flush();
    }

    private static ObjectNode line(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode line = Judge.JSON.createObjectNode();
        line.put("partition", record.partition()).put("offset", record.offset()).put("timestamp", record.timestamp());
        line.put("key", record.key()).put("value", record.value());
        ArrayNode headers = line.putArray("headers");
        for (Header header : record.headers()) headers.addObject().put("key", header.key()).put("value", header.value());
        return line;
    }
}
