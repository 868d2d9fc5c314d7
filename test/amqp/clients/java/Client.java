import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.MessageProperties;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The Java client doing its users' everyday work; see scenarios.md. */
public class Client {
  static String prefix;
  static ConnectionFactory factory = new ConnectionFactory();
  static Connection connection;
  static Channel channel;

  interface Scenario { void run() throws Exception; }

  static void check(Object expected, Object got) {
    if (!Objects.equals(expected, got)) throw new AssertionError("expected " + expected + ", got " + got);
  }

  static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }
  static String text(byte[] body) { return new String(body, StandardCharsets.UTF_8); }
  static Map<String, Object> arguments(Object... pairs) {
    Map<String, Object> found = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) found.put((String) pairs[i], pairs[i + 1]);
    return found;
  }

  static void declare(String queue, boolean durable, Object... arguments) throws IOException {
    channel.queueDeclare(queue, durable, false, false, arguments(arguments));
  }

  static void fill(String queue, String... bodies) throws Exception {
    for (String body : bodies) channel.basicPublish("", queue, MessageProperties.PERSISTENT_TEXT_PLAIN, bytes(body));
  }

  static String take(Channel from) throws IOException {
    GetResponse got = from.basicGet(prefix, true);
    return got == null ? null : text(got.getBody()) + (got.getEnvelope().isRedeliver() ? "'" : "");
  }

  static void topology() throws Exception {
    channel.exchangeDeclare(prefix + ".events", "topic", true);
    declare(prefix, true, "x-max-length", 1000);
    channel.queueBind(prefix, prefix + ".events", "order.*.created");
    channel.basicPublish(prefix + ".events", "order.eu.created", MessageProperties.PERSISTENT_TEXT_PLAIN, bytes("one"));
    GetResponse got = channel.basicGet(prefix, true);
    check("one order.eu.created text/plain",
        text(got.getBody()) + " " + got.getEnvelope().getRoutingKey() + " " + got.getProps().getContentType());
    try {
      declare(prefix, false);
      throw new AssertionError("another declaration was accepted");
    } catch (IOException error) {
      check(true, error.getCause().getMessage().contains("inequivalent arg 'durable'"));
      check(false, channel.isOpen());
    }
    channel = connection.createChannel();
    channel.queueUnbind(prefix, prefix + ".events", "order.*.created");
    channel.queueDelete(prefix);
    channel.exchangeDelete(prefix + ".events");
  }

  static void confirms() throws Exception {
    declare(prefix, true);
    channel.confirmSelect();
    BlockingQueue<String> returned = new ArrayBlockingQueue<>(1);
    channel.addReturnListener(back -> returned.add(back.getReplyText() + " " + text(back.getBody())));
    for (int n = 0; n < 1000; n++) fill(prefix, String.valueOf(n));
    channel.waitForConfirmsOrDie(20_000);
    check(1000L, channel.messageCount(prefix));
    channel.basicPublish("", prefix + ".nowhere", true, null, bytes("x"));
    check("NO_ROUTE x", returned.poll(60, TimeUnit.SECONDS));
    channel.waitForConfirmsOrDie(20_000);
  }

  static void consume() throws Exception {
    declare(prefix, false);
    for (int n = 0; n < 200; n++) fill(prefix, String.valueOf(n));
    channel.basicQos(10);
    BlockingQueue<Integer> got = new LinkedBlockingQueue<>();
    String tag = channel.basicConsume(prefix, false, (t, message) -> {
      channel.basicAck(message.getEnvelope().getDeliveryTag(), false);
      got.add(Integer.parseInt(text(message.getBody())));
    }, t -> { });
    for (int n = 0; n < 200; n++) check(n, got.poll(60, TimeUnit.SECONDS));
    channel.basicCancel(tag);
    check(0L, channel.messageCount(prefix));
  }

  static void redelivery() throws Exception {
    declare(prefix, true);
    fill(prefix, "a", "b", "c");
    channel.basicGet(prefix, false);
    channel.basicGet(prefix, false);
    connection.close();
    try (Connection second = factory.newConnection()) {
      Channel again = second.createChannel();
      check("a' b' c", take(again) + " " + take(again) + " " + take(again));
    }
  }

  static void requeue() throws Exception {
    declare(prefix, false);
    fill(prefix, "a", "b", "c", "d");
    for (int n = 0; n < 3; n++) channel.basicGet(prefix, false);
    channel.basicNack(3, false, true);
    channel.basicReject(1, true);
    channel.basicNack(2, false, false);
    check("a' c' d", take(channel) + " " + take(channel) + " " + take(channel));
  }

  static void rpc() throws Exception {
    Channel server = connection.createChannel();
    declare(prefix, false);
    server.basicConsume(prefix, true, (t, m) -> server.basicPublish("", m.getProperties().getReplyTo(),
        new AMQP.BasicProperties.Builder().correlationId(m.getProperties().getCorrelationId()).build(),
        bytes(new StringBuilder(text(m.getBody())).reverse().toString())), t -> { });
    Map<String, String> answers = new ConcurrentHashMap<>();
    CountDownLatch open = new CountDownLatch(50);
    channel.basicConsume("amq.rabbitmq.reply-to", true, (t, m) -> {
      answers.put(m.getProperties().getCorrelationId(), text(m.getBody()));
      open.countDown();
    }, t -> { });
    for (int n = 0; n < 50; n++) {
      channel.basicPublish("", prefix, new AMQP.BasicProperties.Builder().replyTo("amq.rabbitmq.reply-to")
          .correlationId(String.valueOf(n)).build(), bytes("question " + n));
    }
    check(true, open.await(20, TimeUnit.SECONDS));
    check("94 noitseuq", answers.get("49"));
  }

  static void retry() throws Exception {
    declare(prefix, true, "x-dead-letter-exchange", "", "x-dead-letter-routing-key", prefix + ".wait");
    declare(prefix + ".wait", true, "x-dead-letter-exchange", "", "x-dead-letter-routing-key", prefix, "x-message-ttl", 50);
    fill(prefix, "job");
    BlockingQueue<String> attempts = new LinkedBlockingQueue<>();
    channel.basicConsume(prefix, false, (t, m) -> {
      List<?> deaths = m.getProperties().getHeaders() == null ? null : (List<?>) m.getProperties().getHeaders().get("x-death");
      long count = deaths == null ? 0 : (Long) ((Map<?, ?>) deaths.get(0)).get("count");
      attempts.add(count + "/" + (deaths == null ? 0 : deaths.size()));
      if (count == 3) channel.basicAck(m.getEnvelope().getDeliveryTag(), false);
      else channel.basicReject(m.getEnvelope().getDeliveryTag(), false);
    }, t -> { });
    for (String expected : List.of("0/0", "1/2", "2/2", "3/2")) check(expected, attempts.poll(60, TimeUnit.SECONDS));
  }

  static void priority() throws Exception {
    declare(prefix, false, "x-max-priority", 10);
    for (int n : new int[] {1, 9, 5}) {
      channel.basicPublish("", prefix, new AMQP.BasicProperties.Builder().priority(n).build(), bytes(String.valueOf(n)));
    }
    check("9 5 1", take(channel) + " " + take(channel) + " " + take(channel));
  }

  static void large() throws Exception {
    declare(prefix, false);
    byte[] big = new byte[5_000_000];
    new Random(1).nextBytes(big);
    for (byte[] body : List.of(new byte[0], big)) {
      channel.basicPublish("", prefix, null, body);
      check(true, Arrays.equals(body, channel.basicGet(prefix, true).getBody()));
    }
  }

  /** The library reads strings as LongString; their text is what counts. */
  static Object plain(Object value) {
    if (value instanceof List) {
      List<Object> found = new ArrayList<>();
      for (Object item : (List<?>) value) found.add(plain(item));
      return found;
    }
    if (value instanceof Map) {
      Map<String, Object> found = new LinkedHashMap<>();
      ((Map<?, ?>) value).forEach((k, v) -> found.put((String) k, plain(v)));
      return found;
    }
    if (value instanceof byte[]) return "bytes " + Arrays.toString((byte[]) value);
    return value instanceof com.rabbitmq.client.LongString ? value.toString() : value;
  }

  static void headers() throws Exception {
    Map<String, Object> sent = arguments("int", 42, "long", 1L << 40, "short", (short) -5, "byte", (byte) -3, "text", "héllo", "true", true,
        "null", null, "list", List.of(1, "two", List.of(3)), "table", arguments("a", arguments("b", 1)), "bytes", new byte[] {0, -1},
        "time", new Date(1_700_000_000_000L), "decimal", new BigDecimal("3.14"), "double", 1.5, "float", 0.5f);
    AMQP.BasicProperties properties = new AMQP.BasicProperties("application/json", "gzip", sent, 2, 7, "corr", "reply", "60000", "id",
        new Date(1_700_000_000_000L), "type", "guest", "app", null);
    declare(prefix, false);
    channel.basicPublish("", prefix, properties, bytes("x"));
    AMQP.BasicProperties got = channel.basicGet(prefix, true).getProps();
    check(plain(sent), plain(got.getHeaders()));
    check(properties.builder().headers(null).build().toString(), got.builder().headers(null).build().toString());
  }

  static void work() throws Exception {
    declare(prefix, true);
    channel.basicQos(1);
    channel.basicConsume(prefix, false, (t, m) -> {
      System.out.println("working " + text(m.getBody()) + " " + (m.getEnvelope().isRedeliver() ? 1 : 0));
      System.out.flush();
    }, t -> { });
    Thread.sleep(600_000);
  }

  public static void main(String[] args) throws Exception {
    factory.setHost(args[0]);
    factory.setPort(Integer.parseInt(args[1]));
    prefix = args[3];
    Map<String, Scenario> scenarios = Map.ofEntries(Map.entry("topology", Client::topology), Map.entry("confirms", Client::confirms),
        Map.entry("consume", Client::consume), Map.entry("redelivery", Client::redelivery), Map.entry("requeue", Client::requeue),
        Map.entry("rpc", Client::rpc), Map.entry("retry", Client::retry), Map.entry("priority", Client::priority),
        Map.entry("large", Client::large), Map.entry("headers", Client::headers), Map.entry("work", Client::work));
    connection = factory.newConnection("java");
    channel = connection.createChannel();
    scenarios.get(args[2]).run();
    if (connection.isOpen()) connection.close();
    System.out.println("ok");
  }
}
