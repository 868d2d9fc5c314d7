import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.amqp.core.AcknowledgeMode;
import org.springframework.amqp.core.Binding;
import org.springframework.amqp.core.BindingBuilder;
import org.springframework.amqp.core.DirectExchange;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.Queue;
import org.springframework.amqp.core.QueueBuilder;
import org.springframework.amqp.core.TopicExchange;
import org.springframework.amqp.rabbit.config.RetryInterceptorBuilder;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.connection.CorrelationData;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.rabbit.listener.SimpleMessageListenerContainer;
import org.springframework.amqp.rabbit.retry.RejectAndDontRequeueRecoverer;

/** Spring AMQP as its users have it: declared topology, a listener with retries, dead letters, publisher confirms, request and reply. */
public class Retry {
  static String prefix;
  static CachingConnectionFactory factory;
  static RabbitAdmin admin;

  static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  static Queue declare() {
    TopicExchange events = new TopicExchange(prefix + ".events");
    DirectExchange dead = new DirectExchange(prefix + ".dlx");
    Queue work = QueueBuilder.durable(prefix + ".work").deadLetterExchange(dead.getName()).deadLetterRoutingKey("dead").build();
    Queue graves = QueueBuilder.durable(prefix + ".dlq").build();
    Binding in = BindingBuilder.bind(work).to(events).with("order.#");
    admin.declareExchange(events);
    admin.declareExchange(dead);
    admin.declareQueue(work);
    admin.declareQueue(graves);
    admin.declareBinding(in);
    admin.declareBinding(BindingBuilder.bind(graves).to(dead).with("dead"));
    return work;
  }

  /** A listener that fails on "bad" messages: three attempts in process, then the dead letter queue. */
  static void retry() throws Exception {
    Queue work = declare();
    BlockingQueue<String> done = new LinkedBlockingQueue<>();
    AtomicInteger failures = new AtomicInteger();
    SimpleMessageListenerContainer listener = new SimpleMessageListenerContainer(factory);
    listener.setQueueNames(work.getName());
    listener.setConcurrentConsumers(3);
    listener.setPrefetchCount(5);
    listener.setAcknowledgeMode(AcknowledgeMode.AUTO);
    listener.setAdviceChain(RetryInterceptorBuilder.stateless().maxAttempts(3).backOffOptions(20, 2.0, 100)
        .recoverer(new RejectAndDontRequeueRecoverer()).build());
    listener.setMessageListener(message -> {
      String body = new String(message.getBody());
      if (body.startsWith("bad")) {
        failures.incrementAndGet();
        throw new IllegalStateException("cannot do " + body);
      }
      done.add(body);
    });
    listener.start();
    RabbitTemplate template = new RabbitTemplate(factory);
    for (int n = 0; n < 50; n++) template.convertAndSend(prefix + ".events", "order.created", n % 10 == 0 ? "bad " + n : "good " + n);
    for (int n = 0; n < 45; n++) check(done.poll(60, TimeUnit.SECONDS) != null, "good message " + n);
    for (int n = 0; n < 5; n++) {
      Message dead = template.receive(prefix + ".dlq", 20_000);
      check(dead != null && new String(dead.getBody()).startsWith("bad"), "a dead letter");
      List<Map<String, ?>> deaths = dead.getMessageProperties().getXDeathHeader();
      check(deaths.size() == 1 && "rejected".equals(deaths.get(0).get("reason")) && work.getName().equals(deaths.get(0).get("queue")),
          "x-death " + deaths);
    }
    check(failures.get() == 15, failures + " failures, not 15");
    listener.stop();
    check(admin.getQueueInfo(work.getName()).getMessageCount() == 0, "the work queue is empty");
  }

  static void confirms() throws Exception {
    declare();
    RabbitTemplate template = new RabbitTemplate(factory);
    template.setMandatory(true);
    for (int n = 0; n < 100; n++) {
      CorrelationData waiting = new CorrelationData("m" + n);
      template.convertAndSend(prefix + ".events", "order.created", (Object) ("m" + n), waiting);
      check(waiting.getFuture().get(10, TimeUnit.SECONDS).isAck(), "confirm of " + n);
      check(waiting.getReturned() == null, "it was routed");
    }
    CorrelationData lost = new CorrelationData("lost");
    template.convertAndSend(prefix + ".events", "nobody.listens", (Object) "lost", lost);
    check(lost.getFuture().get(10, TimeUnit.SECONDS).isAck(), "confirm of the lost one");
    check(lost.getReturned() != null && lost.getReturned().getReplyCode() == 312, "it came back");
    check(admin.getQueueInfo(prefix + ".work").getMessageCount() == 100, "a hundred in the queue");
  }

  /** convertSendAndReceive, which uses direct reply-to where the broker has it. */
  static void rpc() {
    admin.declareQueue(new Queue(prefix + ".rpc", false));
    SimpleMessageListenerContainer server = new SimpleMessageListenerContainer(factory);
    server.setQueueNames(prefix + ".rpc");
    server.setMessageListener(new org.springframework.amqp.rabbit.listener.adapter.MessageListenerAdapter(new Object() {
      public String handleMessage(String question) { return question.toUpperCase(); }
    }));
    server.start();
    RabbitTemplate template = new RabbitTemplate(factory);
    template.setReplyTimeout(60_000);
    for (int n = 0; n < 20; n++) check(("ASK " + n).equals(template.convertSendAndReceive("", prefix + ".rpc", "ask " + n)), "answer " + n);
    server.stop();
    template.destroy();
  }

  /** Sent and received inside a channel's transaction. */
  static void transaction() {
    declare();
    CachingConnectionFactory plain = new CachingConnectionFactory(factory.getHost(), factory.getPort());
    RabbitTemplate template = new RabbitTemplate(plain);
    template.setChannelTransacted(true);
    template.execute(channel -> {
      channel.basicPublish(prefix + ".events", "order.a", null, "one".getBytes());
      channel.txCommit();
      channel.basicPublish(prefix + ".events", "order.b", null, "two".getBytes());
      channel.txRollback();
      return null;
    });
    check(admin.getQueueInfo(prefix + ".work").getMessageCount() == 1, "one was committed");
    plain.destroy();
  }

  public static void main(String[] args) throws Exception {
    factory = new CachingConnectionFactory(args[0], Integer.parseInt(args[1]));
    factory.setPublisherConfirmType(CachingConnectionFactory.ConfirmType.CORRELATED);
    factory.setPublisherReturns(true);
    admin = new RabbitAdmin(factory);
    prefix = args[3];
    switch (args[2]) {
      case "retry" -> retry();
      case "confirms" -> confirms();
      case "rpc" -> rpc();
      case "transaction" -> transaction();
      default -> throw new IllegalArgumentException(args[2]);
    }
    for (String queue : List.of(".work", ".dlq", ".rpc")) admin.deleteQueue(prefix + queue);
    factory.destroy();
    System.out.println("ok");
    System.exit(0);  // the connections' idle threads would keep it for a minute
  }
}
