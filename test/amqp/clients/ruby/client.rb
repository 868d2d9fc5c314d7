# bunny doing its users' everyday work; see scenarios.md.
require "bunny"

HOST, PORT, SCENARIO, PREFIX = ARGV

def connect
  Bunny.new(host: HOST, port: PORT.to_i, automatically_recover: false, logger: Logger.new($stderr, level: :fatal)).start
end

def check(expected, got)
  raise "expected #{expected.inspect}, got #{got.inspect}" unless expected == got
end

def fill(channel, queue, bodies, **options)
  bodies.each { |body| channel.default_exchange.publish(body, routing_key: queue, persistent: true, **options) }
end

def take(channel)
  delivery, _, body = channel.basic_get(PREFIX, manual_ack: false)
  body && body + (delivery.redelivered ? "'" : "")
end

def pop(queue)
  Timeout.timeout(60) { queue.pop }
end

def topology(connection, channel)
  events = channel.topic(PREFIX + ".events", durable: true)
  queue = channel.queue(PREFIX, durable: true, arguments: { "x-max-length" => 1000 })
  queue.bind(events, routing_key: "order.*.created")
  events.publish("one", routing_key: "order.eu.created", content_type: "text/plain")
  delivery, properties, body = queue.pop
  check(["one", "order.eu.created", "text/plain"], [body, delivery.routing_key, properties.content_type])
  begin
    connection.create_channel.queue(PREFIX, durable: false)
    raise "another declaration was accepted"
  rescue Bunny::PreconditionFailed => error
    check(true, error.message.include?("inequivalent arg 'durable'"))
  end
  queue.unbind(events, routing_key: "order.*.created")
  queue.delete
  events.delete
end

def confirms(_, channel)
  queue = channel.queue(PREFIX, durable: true)
  channel.confirm_select
  fill(channel, PREFIX, (0...1000).map(&:to_s))
  check(true, channel.wait_for_confirms)
  check(1000, queue.message_count)
  returned = Queue.new
  exchange = channel.default_exchange
  exchange.on_return { |info, _, body| returned << [info.reply_text, body] }
  exchange.publish("x", routing_key: PREFIX + ".nowhere", mandatory: true)
  check(%w[NO_ROUTE x], pop(returned))
end

def consume(_, channel)
  queue = channel.queue(PREFIX)
  fill(channel, PREFIX, (0...200).map(&:to_s))
  channel.prefetch(10)
  got = Queue.new
  consumer = queue.subscribe(manual_ack: true) do |delivery, _, body|
    channel.ack(delivery.delivery_tag)
    got << body.to_i
  end
  check((0...200).to_a, Array.new(200) { pop(got) })
  consumer.cancel
  check(0, queue.message_count)
end

def redelivery(connection, channel)
  channel.queue(PREFIX, durable: true)
  fill(channel, PREFIX, %w[a b c])
  2.times { channel.basic_get(PREFIX, manual_ack: true) }
  connection.close
  second = connect
  again = second.create_channel
  check(%w[a' b' c], Array.new(3) { take(again) })
  second.close
end

def requeue(_, channel)
  channel.queue(PREFIX)
  fill(channel, PREFIX, %w[a b c d])
  tags = Array.new(3) { channel.basic_get(PREFIX, manual_ack: true).first.delivery_tag }
  channel.nack(tags[2], false, true)
  channel.reject(tags[0], true)
  channel.nack(tags[1], false, false)
  check(%w[a' c' d], Array.new(3) { take(channel) })
end

def rpc(connection, channel)
  server = connection.create_channel
  server.queue(PREFIX).subscribe do |_, properties, body|
    server.default_exchange.publish(body.reverse, routing_key: properties.reply_to, correlation_id: properties.correlation_id)
  end
  answers = Queue.new
  channel.basic_consume("amq.rabbitmq.reply-to", "", true) { |_, properties, body| answers << [properties.correlation_id, body] }
  50.times do |n|
    channel.default_exchange.publish("question #{n}", routing_key: PREFIX, reply_to: "amq.rabbitmq.reply-to", correlation_id: n.to_s)
    check([n.to_s, "question #{n}".reverse], pop(answers))
  end
end

def retry_(_, channel)
  queue = channel.queue(PREFIX, durable: true, arguments: { "x-dead-letter-exchange" => "", "x-dead-letter-routing-key" => PREFIX + ".wait" })
  channel.queue(PREFIX + ".wait", durable: true, arguments: {
    "x-dead-letter-exchange" => "", "x-dead-letter-routing-key" => PREFIX, "x-message-ttl" => 50 })
  fill(channel, PREFIX, ["job"])
  attempts = Queue.new
  queue.subscribe(manual_ack: true) do |delivery, properties, _|
    counts = ((properties.headers || {})["x-death"] || []).map { |death| death["count"] }
    attempts << counts
    counts == [3, 3] ? channel.ack(delivery.delivery_tag) : channel.reject(delivery.delivery_tag, false)
  end
  check([[], [1, 1], [2, 2], [3, 3]], Array.new(4) { pop(attempts) })
end

def priority(_, channel)
  channel.queue(PREFIX, arguments: { "x-max-priority" => 10 })
  [1, 9, 5].each { |n| fill(channel, PREFIX, [n.to_s], priority: n) }
  check(%w[9 5 1], Array.new(3) { take(channel) })
end

def large(_, channel)
  channel.queue(PREFIX)
  ["", Random.bytes(5_000_000)].each do |body|
    fill(channel, PREFIX, [body])
    check(body.hash, channel.basic_get(PREFIX, manual_ack: false)[2].hash)
  end
end

def headers(_, channel)
  sent = { "int" => 42, "long" => 2**40, "text" => "hello", "true" => true, "nil" => nil, "list" => [1, "two", [3]],
           "table" => { "a" => { "b" => 1 } }, "time" => Time.at(1_700_000_000), "double" => 1.5 }
  options = { content_type: "application/json", content_encoding: "gzip", priority: 7, correlation_id: "corr", reply_to: "reply",
              expiration: "60000", message_id: "id", timestamp: 1_700_000_000, type: "type", user_id: "guest", app_id: "app" }
  channel.queue(PREFIX)
  fill(channel, PREFIX, ["x"], headers: sent, **options)
  _, got, = channel.basic_get(PREFIX, manual_ack: false)
  check(sent, got[:headers])
  options.each { |name, value| check([name, value], [name, name == :timestamp ? got[name].to_i : got[name]]) }
end

def work(_, channel)
  channel.prefetch(1)
  channel.queue(PREFIX, durable: true).subscribe(manual_ack: true) do |delivery, _, body|
    puts "working #{body} #{delivery.redelivered? ? 1 : 0}"
    $stdout.flush
  end
  sleep 600
end

connection = connect
send(SCENARIO == "retry" ? :retry_ : SCENARIO, connection, connection.create_channel)
connection.close if connection.open?
puts "ok"
