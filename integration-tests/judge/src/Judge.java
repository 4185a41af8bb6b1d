import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;

/**
 * Judges what is in Kafka with Apache Kafka's own Java client and nothing of the program under test. Prints JSON on standard output.
 * Exit code 0: judged and right, or simply done; 3: judged and wrong; 1: could not judge.
 */
public final class Judge {
    static final ObjectMapper JSON = new ObjectMapper();

    private static final int WRONG = 3;
    private static final String USAGE = "usage: Judge clicks|dump|ends|group|produce-clicks|transactions --brokers LIST [--NAME VALUE]...";

    private Judge() {}

    public static void main(String[] words) {
        if (words.length == 0) {
            System.err.println(USAGE);
            System.exit(1);
        }
        try {
            Args args = Args.parse(Arrays.copyOfRange(words, 1, words.length));
            boolean right = run(words[0], args);
            System.out.flush();
            System.exit(right ? 0 : WRONG);
        } catch (Exception e) {
            System.err.println(e);
            System.exit(1);
        }
    }

    private static boolean run(String command, Args args) throws Exception {
        switch (command) {
            case "clicks":
                return Clicks.run(args);
            case "dump":
                Dump.run(args);
                return true;
            case "ends":
                Ends.run(args);
                return true;
            case "group":
                GroupOffsets.run(args);
                return true;
            case "produce-clicks":
                ProduceClicks.run(args);
                return true;
            case "transactions":
                Transactions.run(args);
                return true;
            default:
                throw new IllegalArgumentException(USAGE);
        }
    }
}
